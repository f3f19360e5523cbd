//! `pullwright backtest`: which runs other automations would have made of the last days.

mod answer;
mod args;
mod markdown;
mod table;

use chrono::{DateTime, TimeDelta};
use config::Env;
use dispatcher::rules;
use schemas::Clock;
use serde_json::json;

use super::args::Global;
use super::client::Client;
use super::output::Output;
use super::{CliError, Ending};

pub use args::BacktestArgs;

use answer::Outcome;

/// Tries a folder, or what is in force, on the deliveries that the running Pullwright has.
pub(super) async fn run(
    args: &BacktestArgs,
    global: &Global,
    env: &dyn Env,
    clock: &dyn Clock,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let files = match &args.automations {
        None => None,
        // Mistakes are shown here with their places; the server could only name them.
        Some(folder) => match rules::load_folder(&env.current_dir().join(folder)) {
            Ok(set) => Some(set.files),
            Err(mistakes) => {
                eprintln!("{:?}", miette::Report::new(mistakes));
                return Ok(Ending::Problems);
            }
        },
    };
    let back = TimeDelta::from_std(args.since.0).ok();
    let since = back.and_then(|back| clock.now().checked_sub_signed(back)).unwrap_or(DateTime::UNIX_EPOCH);
    let client = Client::new(global, env)?;
    let question = json!({ "since": since, "files": files });
    let answer = client.ask::<Outcome>("/api/v1/backtest", &question).await?;
    let outcome = answer.value;
    if out.json {
        out.raw_json(&answer.text)?;
    } else if args.markdown {
        markdown::print(&outcome, since, out)?;
    } else {
        table::print(&outcome, since, out)?;
    }
    let failed = args.fail_on.iter().any(|change| outcome.count(*change) > 0);
    Ok(if failed { Ending::Problems } else { Ending::Fine })
}
