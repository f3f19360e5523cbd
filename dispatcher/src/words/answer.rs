//! Answers to commands in comments.

use std::fmt::Write as _;

use schemas::{Decision, DeliveryId, RunId};
use store::{EventSummary, RunRecord};

use super::code;
use super::comment::headline;

/// To somebody who may not.
#[must_use]
pub fn refused(command: &str, login: &str, because: &str) -> String {
    format!("{} was not done for {}: {}.\n", code(command, 40), code(login, 100), code(because, 300))
}

/// Nothing of the item is under way.
#[must_use]
pub fn nothing_here() -> String {
    "Nothing is under way for this item.\n".to_owned()
}

/// No run of the item waits to be agreed to.
#[must_use]
pub fn nobody_waits() -> String {
    "No run of this item waits for approval.\n".to_owned()
}

/// More runs wait than a command without a code can mean.
#[must_use]
pub fn several_wait(waiting: &[(&RunRecord, String)]) -> String {
    format!("Several runs wait for approval; say which one:\n\n{}", commands(waiting))
}

/// No waiting run has that code.
#[must_use]
pub fn wrong_code(waiting: &[(&RunRecord, String)]) -> String {
    format!("No run that waits for approval has this code. What waits:\n\n{}", commands(waiting))
}

fn commands(waiting: &[(&RunRecord, String)]) -> String {
    waiting.iter().fold(String::new(), |mut text, (record, inputs)| {
        let _ = writeln!(text, "- **{}**: {}", record.run.automation, approve_command(inputs));
        text
    })
}

/// The run would be given something else than what the code stands for.
#[must_use]
pub fn inputs_changed(record: &RunRecord, fresh: &str) -> String {
    format!(
        "**{}** was not approved: the item's text or the commit it starts from has changed since. Look at \
         it again, then {}.\n",
        record.run.automation,
        approve_command(fresh)
    )
}

/// What to write to agree to these inputs, as code: so that our own words are no command.
#[must_use]
pub fn approve_command(inputs: &str) -> String {
    code(&format!("/agent approve {}", crate::admit::approval::code(inputs)), 60)
}

/// What cannot be ended any more.
#[must_use]
pub fn too_late(runs: &[RunId]) -> String {
    let names: Vec<String> = runs.iter().map(|run| format!("run {run}")).collect();
    format!("Too late for {}: the result is being published.\n", names.join(", "))
}

/// What was decided about an item's events, newest first, and what its runs wait for.
#[must_use]
pub fn why(
    events: &[(DeliveryId, EventSummary, Vec<Decision>)],
    runs: &[(RunRecord, Option<RunId>)],
) -> String {
    let mut text = String::new();
    for (delivery, event, decisions) in events {
        let by = event.actor.as_ref().map(|login| format!(" by {}", code(login, 100))).unwrap_or_default();
        let _ = write!(text, "{}{by} · <sub>delivery {delivery}</sub>\n\n", code(&event.r#type, 100));
        if decisions.is_empty() {
            text.push_str("No automation listens to it.\n\n");
            continue;
        }
        text.push_str("| automation | decision | because |\n|---|---|---|\n");
        for decision in decisions {
            let because = code(&decision.verdict.sentence(), 300).replace('|', "\\|");
            let _ = writeln!(text, "| {} | {} | {because} |", decision.automation, decision.verdict.word());
        }
        text.push('\n');
    }
    if events.is_empty() {
        text.push_str("No event of this item is known.\n\n");
    }
    for (record, behind) in runs {
        let run = &record.run;
        let behind = behind.map(|run| format!(", behind run {run}")).unwrap_or_default();
        let _ =
            writeln!(text, "- run {} of **{}**: {}{behind}", run.id, run.automation, headline(&run.state));
    }
    text
}
