//! Texts of an automation that reach a command, an environment, a title or a group's name.

use crate::interpolate::{self, InterpolationError};
use crate::rules::page::{Page, Spot};

/// A line for the shell.
pub(super) fn command(line: &str, at: Spot<'_>, page: &mut Page<'_>) {
    check(line, at, interpolate::check_command, page);
}

/// A text that is no command.
pub(super) fn text(text: &str, at: Spot<'_>, page: &mut Page<'_>) {
    check(text, at, interpolate::check, page);
}

fn check(
    text: &str,
    at: Spot<'_>,
    interpolated: impl Fn(&str) -> Result<(), InterpolationError>,
    page: &mut Page<'_>,
) {
    if text.contains('\0') {
        page.say(at, "a text holds U+0000", "remove it");
    }
    if let Err(error) = interpolated(text) {
        let part = error.offset..error.offset + error.len;
        page.say_of_part(at, text, part, &error.message, &error.remedy);
    }
}
