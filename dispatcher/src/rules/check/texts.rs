//! Texts of an automation that reach a command, an environment, a title or a group.

use crate::interpolate::{self, InterpolationError};
use crate::rules::page::{Page, Spot};

pub(super) fn check(text: &str, at: Spot<'_>, page: &mut Page<'_>) {
    told(interpolate::check(text), text, at, page);
}

/// A command line: no value may be the command itself.
pub(super) fn check_command(line: &str, at: Spot<'_>, page: &mut Page<'_>) {
    told(interpolate::check_command(line), line, at, page);
}

fn told(checked: Result<(), InterpolationError>, text: &str, at: Spot<'_>, page: &mut Page<'_>) {
    if text.contains('\0') {
        page.say(at, "a text holds U+0000", "remove it");
    }
    if let Err(error) = checked {
        let part = error.offset..error.offset + error.len;
        page.say_of_part(at, text, part, &error.message, &error.remedy);
    }
}
