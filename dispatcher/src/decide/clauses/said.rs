//! What somebody said: a review's verdict, a command, a mention.

use schemas::Event;
use schemas::automation::ReviewState;
use schemas::decision::Verdict;

use super::{Entry, one_of};
use crate::decide::stop::not_matched;
use crate::decide::text::{commands, mentions};

/// What `/agent` is told of our own affairs; no automation hears these.
pub const BUILT_IN: [&str; 3] = ["approve", "cancel", "why"];

/// `state`
pub(super) fn state(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let wanted: Vec<String> =
        entry.trigger.state.iter().map(|state| ReviewState::as_str(*state).into()).collect();
    let value = event.comment.as_ref().and_then(|comment| comment.state.as_deref());
    one_of("state", &wanted, value, "no verdict", str::eq)
}

/// `command`
pub(super) fn command(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let wanted = &entry.trigger.command;
    if wanted.is_unset() {
        return Ok(());
    }
    let mut value = "no command".to_owned();
    for line in commands(event.source, text(event)) {
        let first = line.rest.split_whitespace().next().unwrap_or_default();
        if line.word.eq_ignore_ascii_case("/agent") && BUILT_IN.contains(&first) {
            value = format!("`{} {first}`, which is for Pullwright itself", line.word);
        } else if wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(&line.word)) {
            return Ok(());
        } else {
            value = line.word;
        }
    }
    Err(not_matched("command", wanted.join(" or "), value))
}

/// `mention`
pub(super) fn mention(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let wanted = &entry.trigger.mention;
    if wanted.is_unset() || wanted.iter().any(|name| mentions(event.source, text(event), name)) {
        return Ok(());
    }
    Err(not_matched("mention", wanted.join(" or "), "no mention of it outside quotes and code"))
}

/// What was written: the comment, or without one the item's own text.
fn text(event: &Event) -> &str {
    let comment = event.comment.as_ref().map(|comment| comment.body.expose());
    comment.or_else(|| event.item.as_ref().map(|item| item.body.expose())).unwrap_or_default()
}
