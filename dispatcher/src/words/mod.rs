//! Every sentence that Pullwright writes to a forge; pure.
//!
//! Text that somebody else wrote appears only inside code spans and fences, which forges render
//! without mentions, links, images or closing words.

pub mod comment;
mod escape;
mod origin;
pub mod pull_request;

use schemas::{AutomationName, WorkItem};

pub use escape::{code, fence};
pub use origin::Origin;

/// What every hidden marker of ours begins with.
pub const MARKER: &str = "<!-- pullwright:";

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

/// A marker holds letters, digits and a few signs, so that nothing ends it early.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "/:#!._".contains(c) { c } else { '-' })
        .collect::<String>()
        .replace("--", "-")
}
