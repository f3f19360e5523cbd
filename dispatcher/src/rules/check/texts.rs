//! Texts of an automation that reach a command, an environment or a title.

use crate::rules::page::{Page, Spot};

pub(super) fn check(text: &str, at: Spot<'_>, page: &mut Page<'_>) {
    if text.contains('\0') {
        page.say(at, "a text holds U+0000", "remove it");
    }
    if let Some(start) = text.find("${{") {
        let end =
            text.get(start..).and_then(|rest| rest.find("}}")).map_or(text.len(), |end| start + end + 2);
        page.say_of_part(
            at,
            text,
            start..end,
            "`${{ }}` is not interpolated",
            "texts of an event never reach a command line; read them from the file $PULLWRIGHT_EVENT",
        );
    }
}
