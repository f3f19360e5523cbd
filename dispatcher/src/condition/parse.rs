//! From text to syntax tree, within bounds that the parser is safe in.

use cel::common::ast::SourceInfo;
use cel::{Env, IdedExpr, ParseError};

use super::error::ConditionError;

/// Bytes of a condition.
const LONGEST: usize = 4096;
/// Brackets, and `?` likewise, within each other.
const DEEPEST: u16 = 30;

/// Refuses, before the parser sees them, texts that no condition needs to be.
pub(super) fn bounds(text: &str) -> Result<(), ConditionError> {
    if text.len() > LONGEST {
        let message = format!("the condition has {} bytes, more than {LONGEST}", text.len());
        return Err(ConditionError::whole(text, message, "split the automation, or filter with typed keys"));
    }
    if text.trim().is_empty() {
        return Err(ConditionError::whole(
            text,
            "the condition is empty",
            "remove `if`, or say what has to hold",
        ));
    }
    let mut depth = 0_u16;
    for (at, sign) in text.char_indices() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(too_deep(at));
        }
    }
    Ok(())
}

fn too_deep(at: usize) -> ConditionError {
    let message = format!("more than {DEEPEST} levels are nested within each other");
    ConditionError::at(at..at + 1, message, "split the condition into several automations, or use typed keys")
}

/// Parses a text within [`bounds`].
pub(super) fn tree(text: &str) -> Result<(IdedExpr, SourceInfo), ConditionError> {
    // The parser's own bound: it sees brackets in texts and comments for what they are.
    let parser = Env::stdlib().parser().enable_optional_syntax(false).max_recursion_depth(DEEPEST);
    parser.parse_with_source_info(text).map_err(|errors| match errors.errors.first() {
        Some(first) => explained(text, first),
        None => ConditionError::whole(text, "it cannot be read", "write it in CEL"),
    })
}

/// The parser's complaint in plain words.
fn explained(text: &str, error: &ParseError) -> ConditionError {
    let at = offset(text, error.pos);
    if error.msg.contains("Recursion limit") {
        return too_deep(at);
    }
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    if let Some(start) = before.trim_end().strip_suffix("not") {
        return ConditionError::at(start.len()..start.len() + 3, "`not` is no operator", "write `!`");
    }
    let word = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let len = if word.is_empty() { rest.chars().next().map_or(0, char::len_utf8) } else { word.len() };
    let (message, remedy) = match (word, rest.chars().next()) {
        ("and" | "AND", _) => ("`and` is no operator".to_owned(), "write `&&`"),
        ("or" | "OR", _) => ("`or` is no operator".to_owned(), "write `||`"),
        (_, None) => ("the condition breaks off".to_owned(), "something has to follow"),
        (_, Some('=')) => ("`=` is no operator".to_owned(), "compare with `==`"),
        (_, Some('&')) => ("`&` is no operator".to_owned(), "write `&&`"),
        (_, Some('|')) => ("`|` is no operator".to_owned(), "write `||`"),
        (_, Some('\'' | '"')) if error.msg.contains("token recognition") => {
            ("the text has no end".to_owned(), "close it with the quote it begins with")
        }
        (_, Some('$')) => {
            ("`${{ }}` has no place in a condition".to_owned(), "name the field itself: `event.label`")
        }
        (_, Some('?')) => ("`?` cannot stand here".to_owned(), "a choice is `condition ? value : other`"),
        _ if error.msg.contains("simple name") => (
            "the first argument has to be a name".to_owned(),
            "for example `event.labels.exists(l, l == 'bug')`",
        ),
        (word, Some(_)) if !word.is_empty() => {
            (format!("`{word}` cannot stand here"), "join conditions with `&&` and `||`")
        }
        (_, Some(sign)) => (format!("`{sign}` cannot stand here"), "write it in CEL"),
    };
    ConditionError::at(at..at + len, message, remedy)
}

/// The byte that the parser means by a line and a column, both from 1.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let within = text.get(before..).unwrap_or_default();
    let column = usize::try_from(column - 1).unwrap_or(0);
    before + within.char_indices().nth(column).map_or(within.trim_end_matches('\n').len(), |(at, _)| at)
}
