//! `pullwright deliveries tail`: deliveries as they are decided, over restarts of the server.

use std::collections::BTreeSet;
use std::time::Duration;

use schemas::{DeliveryId, WebhookName};

use super::Row;
use crate::cli::client::{Client, ClientError, Stream};
use crate::cli::escape;
use crate::cli::output::Output;
use crate::cli::{CliError, Ending};

/// Between two tries to reach a server that went away.
const PAUSE: Duration = Duration::from_secs(1);
/// No event is larger.
const LARGEST: usize = 1 << 20;
/// More ids than a server sends again.
const REMEMBERED: usize = 50_000;
/// About how wide an id, a time, a webhook, an event, a work item and a login are.
const WIDTHS: &[usize] = &[36, 20, 8, 20, 24, 14];

/// Prints until Ctrl-C.
pub(in crate::cli) async fn tail(
    client: &Client,
    webhook: Option<&WebhookName>,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    tokio::select! {
        ending = follow(client, webhook, out) => ending,
        _ = tokio::signal::ctrl_c() => Ok(Ending::Fine),
    }
}

async fn follow(
    client: &Client,
    webhook: Option<&WebhookName>,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let mut seen = Seen::default();
    // A server that is not there at first is a mistake, later it is a restart.
    let mut stream = client.stream(&path(webhook, &seen)).await?;
    loop {
        print(&mut stream, &mut seen, out).await?;
        eprintln!("{} is gone; waiting for it", client.server());
        stream = again(client, webhook, &seen).await?;
        match seen.newest {
            Some(newest) => eprintln!("it is back; going on after {newest}"),
            None => eprintln!("it is back"),
        }
    }
}

async fn again(client: &Client, webhook: Option<&WebhookName>, seen: &Seen) -> Result<Stream, ClientError> {
    loop {
        tokio::time::sleep(PAUSE).await;
        match client.stream(&path(webhook, seen)).await {
            Err(ClientError::NotRunning { .. } | ClientError::NoAnswer { .. }) => {}
            // The database may come later than the server.
            Err(ClientError::Refused { status: 500.., .. }) => {}
            opened => return opened,
        }
    }
}

fn path(webhook: Option<&WebhookName>, seen: &Seen) -> String {
    let after = seen.newest.map(|newest| format!("after={newest}"));
    let webhook = webhook.map(|webhook| format!("webhook={}", escape::query(webhook.as_str())));
    let query: Vec<String> = after.into_iter().chain(webhook).collect();
    format!("/api/v1/deliveries/tail?{}", query.join("&"))
}

/// Which deliveries were printed: a server that came back sends some of them again.
#[derive(Default)]
struct Seen {
    /// The newest at the start, before which nothing is wanted.
    start: Option<DeliveryId>,
    newest: Option<DeliveryId>,
    ids: BTreeSet<DeliveryId>,
}

impl Seen {
    fn is_new(&mut self, id: DeliveryId) -> bool {
        let new = self.start.is_none_or(|start| id > start) && self.ids.insert(id);
        self.newest = self.newest.max(Some(id));
        if self.ids.len() > REMEMBERED {
            self.ids.pop_first();
        }
        new
    }
}

/// Prints the events of a stream until it ends.
async fn print(stream: &mut Stream, seen: &mut Seen, out: &mut Output<'_>) -> Result<(), CliError> {
    let mut unread = Vec::new();
    while let Some(bytes) = stream.next().await {
        unread.extend_from_slice(&bytes);
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = unread.drain(..end + 2).collect();
            let event = Event::read(&String::from_utf8_lossy(&event));
            print_event(&event, stream, seen, out)?;
        }
        if unread.len() > LARGEST {
            return Err(stream.not_pullwright().into());
        }
        out.flush()?;
    }
    Ok(())
}

fn print_event(
    event: &Event,
    stream: &Stream,
    seen: &mut Seen,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    match event.name.as_str() {
        "start" => {
            seen.start = event.id.parse().ok();
            seen.newest = seen.newest.or(seen.start);
        }
        "gap" => eprintln!("more came meanwhile than is shown here: pullwright deliveries list"),
        "delivery" => {
            let row: Row = serde_json::from_str(&event.data).map_err(|_| stream.not_pullwright())?;
            if !seen.is_new(row.id) {
                return Ok(());
            }
            if out.json { out.raw_json(&event.data)? } else { out.row(&row.cells(), WIDTHS)? }
        }
        // Signs of life, and what a later version may say.
        _ => {}
    }
    Ok(())
}

/// One server-sent event (WHATWG HTML, "Server-sent events").
#[derive(Default)]
struct Event {
    name: String,
    id: String,
    data: String,
}

impl Event {
    fn read(text: &str) -> Self {
        let mut event = Self::default();
        for line in text.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event.name = value.to_owned(),
                "id" => event.id = value.to_owned(),
                "data" => event.data.push_str(value),
                _ => {}
            }
        }
        event
    }
}
