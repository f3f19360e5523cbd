//! Every sentence that Pullwright writes to a forge; pure.
//!
//! Text that somebody else wrote appears only inside code spans and fences, which forges render
//! without mentions, links, images or closing words.

pub mod answer;
pub mod comment;
pub mod escape;
mod origin;
pub mod pull_request;

use schemas::automation::CommentOutput;
use schemas::{AutomationName, Run, WorkItem};

pub use escape::{code, fence};
pub use origin::Origin;

/// What every hidden marker of ours begins with.
pub const MARKER: &str = "<!-- pullwright:";

/// What a run's comment is kept under: its problem, as far as that lies in the run's repository, or
/// the run itself where each has a comment of its own.
#[must_use]
pub fn thread(run: &Run) -> WorkItem {
    if run.input.automation.output.comment() == CommentOutput::Reply {
        return WorkItem(format!("run:{}", run.id));
    }
    let repository = format!("{}:{}", run.repository.connection, run.repository.path);
    let root = run.root.as_str().strip_prefix(&repository).is_some_and(|rest| rest.starts_with(['#', '!']));
    if root { run.root.clone() } else { run.work_item.clone() }
}

/// The marker of the status comment of a work item and automation. Deterministic, so that a comment
/// whose creation got no answer can be found again.
#[must_use]
pub fn status_marker(item: &WorkItem, automation: &AutomationName) -> String {
    format!("{MARKER}status {} {} -->", plain(&item.0), plain(&automation.0))
}

/// The marker of the answer to somebody who may not start an automation.
#[must_use]
pub fn refusal_marker(item: &WorkItem, automation: &AutomationName, login: &str) -> String {
    format!("{MARKER}refusal {} {} {} -->", plain(&item.0), plain(&automation.0), plain(login))
}

/// The marker of the answer to a command in a comment.
#[must_use]
pub fn answer_marker(item: &WorkItem, comment: &str) -> String {
    format!("{MARKER}answer {} {} -->", plain(&item.0), plain(comment))
}

/// A marker holds letters, digits and a few signs, so that nothing ends it early.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "/:#!._".contains(c) { c } else { '-' })
        .collect::<String>()
        .replace("--", "-")
}
