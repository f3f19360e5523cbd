//! `pullwright runs logs`: what a run's commands printed, to the end or as it comes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::RunId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Client;
use super::output::Output;
use super::{CliError, Ending};

/// How often a log that is followed is asked for.
const PACE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Part {
    lines: Vec<Box<RawValue>>,
    next: i64,
    #[serde(default)]
    gap: bool,
    #[serde(default)]
    end: bool,
}

#[derive(Deserialize)]
struct Line {
    at: DateTime<Utc>,
    stream: String,
    text: String,
}

/// Prints the log; with `--json` one object a line.
pub(super) async fn run(
    client: &Client,
    id: RunId,
    follow: bool,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let mut from = 0;
    loop {
        let part = client.get::<Part>(&format!("/api/v1/runs/{id}/logs?from={from}")).await?.value;
        if part.gap && !out.json {
            out.line("… lines were dropped here: the log grew too long …")?;
        }
        let came = !part.lines.is_empty();
        for line in &part.lines {
            print(line, out)?;
        }
        out.flush()?;
        if part.end || (!came && !follow) {
            return Ok(Ending::Fine);
        }
        // A server that does not move on must not be asked without a pause.
        if !came || part.next <= from {
            tokio::time::sleep(PACE).await;
        }
        from = part.next.max(from);
    }
}

fn print(line: &RawValue, out: &mut Output<'_>) -> Result<(), CliError> {
    if out.json {
        return Ok(out.raw_json(line.get())?);
    }
    let Ok(line) = serde_json::from_str::<Line>(line.get()) else {
        return Ok(out.log_line("?\t", line.get())?);
    };
    let mark = match line.stream.as_str() {
        "stdout" => ' ',
        "stderr" => '!',
        _ => '#',
    };
    Ok(out.log_line(&format!("{} {mark} ", line.at.format("%H:%M:%S")), &line.text)?)
}
