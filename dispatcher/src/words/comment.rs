//! The status comment: what is happening, edited in place, so that nobody has to ask.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use schemas::intent::{IntentState, Write};
use schemas::report::{CommandReport, Report};
use schemas::run::{Gate, Outcome, Reason, RunState, Step};
use schemas::{AutomationName, Intent};
use store::RunRecord;

use super::answer::approve_command;
use super::{code, fence, refusal_marker, status_marker, thread};
use crate::admit::approval::expiry;

/// Forges cut longer comments (GitHub at 65,536 characters); room is left for their own additions.
const LONGEST: usize = 60_000;

/// The status comment for what a run's row says, and for which of its writes failed.
#[must_use]
pub fn status(record: &RunRecord, intents: &[Intent]) -> String {
    let run = &record.run;
    let mut text = status_marker(&thread(run), &run.automation);
    let _ = write!(text, "\n### {} · {}\n\n", run.automation, headline(&run.state));
    match (&run.state, &record.pull_request) {
        (RunState::Done { reason: Reason::Published, .. }, Some(pull_request)) => {
            let number = pull_request.number;
            let did = if record.branch_head.is_some() { "Updated" } else { "Opened" };
            // On GitLab `#7` is an issue.
            let _ = if pull_request.url.contains("/-/merge_requests/") {
                write!(text, "{did} merge request !{number}.\n\n")
            } else {
                write!(text, "{did} pull request #{number}.\n\n")
            };
            intents.iter().for_each(|intent| shortfall(&mut text, intent));
        }
        (RunState::Done { reason, .. }, _) => {
            let _ = write!(text, "{}\n\n", reason_line(reason));
        }
        _ => {}
    }
    approval(&mut text, record);
    if let Some(report) = &record.report {
        changes(&mut text, record);
        commands(&mut text, report);
    }
    let mut body = text.trim_end().to_owned();
    if body.len() > LONGEST {
        let end = body.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST).last().unwrap_or(0);
        body.truncate(end);
        body.push_str("\n\n…cut; the whole log is in `pullwright runs logs`.");
    }
    let _ = write!(body, "\n\n<sub>run {} · started by delivery {}</sub>\n", run.id, run.delivery);
    body
}

/// The answer to somebody who may not start an automation.
#[must_use]
pub fn refusal(item: &schemas::WorkItem, automation: &AutomationName, login: &str, because: &str) -> String {
    format!(
        "{}\n**{automation}** was not started for {}: {}.\n",
        refusal_marker(item, automation, login),
        code(login, 100),
        code(because, 300),
    )
}

/// Where a run stands, in a few words.
pub(super) fn headline(state: &RunState) -> String {
    let word = match state {
        RunState::Pending { gate, due_at } => return at_gate(*gate, *due_at),
        RunState::Queued { .. } => "⏳ queued",
        RunState::Active { step, .. } => match step {
            Step::Claimed | Step::Workspace => "🔧 getting the repository",
            Step::Gate => "🔧 looking whether there is something to do",
            Step::Setup => "🔧 setting up",
            Step::Commands => "🔧 running",
            Step::Validate => "🔧 validating",
            Step::Result => "🔧 reading the result",
            Step::Push | Step::Publish => "🔧 publishing",
        },
        RunState::Done { outcome, .. } => match outcome {
            Outcome::Succeeded => "✅ done",
            Outcome::NoChange => "☑️ no change",
            Outcome::Failed => "❌ failed",
            Outcome::Cancelled => "🚫 cancelled",
            Outcome::Unknown => "❓ needs a person",
        },
    };
    word.to_owned()
}

fn at_gate(gate: Gate, due_at: Option<DateTime<Utc>>) -> String {
    let when = |word: &str| due_at.map(|due| format!(" {word} {}", minute(due))).unwrap_or_default();
    match gate {
        Gate::Schedule => format!("⏳ starts{}", when("at")),
        Gate::Debounce => format!("⏳ waits for more events{}", when("until")),
        Gate::Concurrency => "⏳ waits for another run".to_owned(),
        Gate::Budget => format!("⏳ waits for money{} at the latest", when("until")),
        Gate::Approval => "✋ waits for approval".to_owned(),
        Gate::Parked => format!("⏸️ waits for a provider's limit{}", when("until")),
    }
}

fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// What there is to agree to and how, or who agreed.
fn approval(text: &mut String, record: &RunRecord) {
    let Some(approval) = &record.run.approval else { return };
    if let Some(login) = &approval.approved_by {
        let _ = write!(text, "Approved by {}.\n\n", code(login, 100));
    } else if let Some(until) = expiry(record) {
        let _ = write!(
            text,
            "It starts once somebody other than who triggered it agrees, with {} in a comment of its own, \
             until {}. The code stands for this item's text, the automation and the commit it starts \
             from ({}); when one of them changes, so does the code.\n\n",
            approve_command(&approval.inputs),
            minute(until),
            code(approval.head.as_str().get(..12).unwrap_or_default(), 40),
        );
    }
}

/// A reason's sentence holds commands of the configuration and answers of others: both as code.
fn reason_line(reason: &Reason) -> String {
    use Reason as R;
    match reason {
        R::CommandFailed { command, exit_code } => {
            format!("The command {} failed with exit code {exit_code}.", code(command, 200))
        }
        R::GateClosed { command, exit_code } => {
            format!("There is nothing to do: {} ended with exit code {exit_code}.", code(command, 200))
        }
        R::BranchMoved { branch } => format!(
            "Somebody else pushed to {}; their commits are left as they are and nothing was pushed.",
            code(branch, 200)
        ),
        R::ValidationFailed { command, exit_code } => format!(
            "The validation {} failed with exit code {exit_code}; nothing was published.",
            code(command, 200)
        ),
        R::ResultRefused { because } => format!("The result may not be published: {}.", code(because, 500)),
        R::ForgeRefused { message } => format!("The forge refused a write: {}.", code(message, 500)),
        R::CheckoutFailed { message } => {
            format!("The repository could not be checked out: {}.", code(message, 500))
        }
        R::BranchMissing { branch } => format!("The repository has no branch {}.", code(branch, 200)),
        R::Internal { .. } => "A fault in Pullwright; its log says more.".to_owned(),
        other => other.sentence(),
    }
}

/// What the pull request has not got, where the forge refused it.
fn shortfall(text: &mut String, intent: &Intent) {
    let (what, names) = match &intent.write {
        Write::LabelPullRequest { labels, .. } => ("The labels could not be put on", labels),
        Write::RequestReviews { reviewers, .. } => ("The reviewers could not be asked", reviewers),
        _ => return,
    };
    if !matches!(intent.state, IntentState::Failed | IntentState::Unknown) {
        return;
    }
    let names: Vec<String> = names.iter().map(|name| code(name, 100)).collect();
    let because = code(intent.result.as_deref().unwrap_or("no answer"), 300);
    let _ = write!(text, "{what} ({}): {because}.\n\n", names.join(", "));
}

fn changes(text: &mut String, record: &RunRecord) {
    let Some(change) = &record.change else { return };
    let (added, removed) = change.files.iter().fold((0, 0), |(added, removed), file| {
        (added + file.added.unwrap_or(0), removed + file.removed.unwrap_or(0))
    });
    let _ = writeln!(text, "{} file(s) changed, +{added} −{removed}:\n", change.files.len());
    for file in change.files.iter().take(20) {
        let _ = writeln!(text, "- {}", code(file.path.expose(), 200));
    }
    if change.files.len() > 20 {
        let _ = writeln!(text, "- … and {} more", change.files.len() - 20);
    }
    text.push('\n');
}

fn commands(text: &mut String, report: &Report) {
    if report.commands.is_empty() {
        return;
    }
    text.push_str("| command | result | time |\n|---|---|---|\n");
    for command in &report.commands {
        let result =
            if command.exit_code == 0 { "ok".to_owned() } else { format!("exit {}", command.exit_code) };
        let _ = writeln!(
            text,
            "| {} | {result} | {} |",
            code(&command.command, 120).replace('|', "\\|"),
            duration(command.duration_ms)
        );
    }
    text.push('\n');
    if let Some(failed) = report.commands.iter().rev().find(|command| command.exit_code != 0) {
        tail(text, failed);
    }
}

fn tail(text: &mut String, command: &CommandReport) {
    if command.tail.expose().trim().is_empty() {
        return;
    }
    let _ = write!(
        text,
        "<details><summary>The last lines it printed</summary>\n\n{}\n\n</details>\n",
        fence(command.tail.expose(), "text")
    );
}

fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}
