//! `${{ name }}`: ids, numbers and slugs in the texts of an automation, and nothing that others wrote.
//!
//! A valid signature says who delivered an event, not who wrote it. So a text of an event is data in
//! files, and what may stand in a command is what can only ever be one harmless word there. A value
//! that is not makes the decision an error; it is never quoted, cut or left out.

use std::borrow::Cow;

use chrono::SecondsFormat;
use schemas::event::EventType;
use schemas::{Automation, Event, RepoRef, RunId};

const OPEN: &str = "${{";
const CLOSE: &str = "}}";
/// Bytes of a value.
const LONGEST: usize = 200;
/// What reads as one of ours and is not: a text that others write.
const DATA: [&str; 16] = [
    "title",
    "body",
    "label",
    "labels",
    "added_labels",
    "head_ref",
    "base_ref",
    "ref",
    "branch",
    "path",
    "status",
    "culprit",
    "dispatch",
    "author",
    "message",
    "url",
];

/// What is wrong with a `${{ }}`, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InterpolationError {
    /// Where it begins, in bytes.
    pub offset: usize,
    /// How long it is, in bytes.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

/// Why a text cannot be rendered for an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The event does not have it.
    #[error("`${{{{ {name} }}}}` has no value: the event does not say")]
    Absent {
        /// Which.
        name: &'static str,
    },
    /// It is more than a word.
    #[error(
        "`${{{{ {name} }}}}` is no plain word: it may be {LONGEST} of letters, digits and `._/@:+-`, without `..`"
    )]
    NoWord {
        /// Which.
        name: &'static str,
    },
    /// It is not ours; the loader would have refused it.
    #[error("a `${{{{ }}}}` in it cannot be read")]
    Unreadable,
}

/// Where values come from.
pub struct Values<'a> {
    /// The run that is made.
    pub run: RunId,
    /// Whose texts they are.
    pub automation: &'a Automation,
    /// What happened.
    pub event: &'a Event,
    /// Where the run works.
    pub repository: &'a RepoRef,
}

type Value<'a> = Option<Cow<'a, str>>;

/// Every name, and where its value is.
struct Name {
    name: &'static str,
    value: for<'a> fn(&Values<'a>) -> Value<'a>,
}

static NAMES: [Name; 16] = [
    Name { name: "run.id", value: |v| Some(v.run.to_string().into()) },
    Name { name: "automation.name", value: |v| Some(v.automation.name.as_str().into()) },
    Name { name: "event.id", value: |v| Some(v.event.id.to_string().into()) },
    Name { name: "event.type", value: |v| Some(v.event.r#type.to_string().into()) },
    Name { name: "event.source", value: |v| Some(v.event.source.as_str().into()) },
    Name { name: "event.connection", value: |v| Some(v.event.connection.as_str().into()) },
    Name { name: "repository.name", value: |v| Some(v.repository.to_string().into()) },
    Name { name: "repository.path", value: |v| Some(v.repository.path.as_str().into()) },
    Name { name: "item.key", value: |v| Some(v.event.item.as_ref()?.key.as_str().into()) },
    Name { name: "comment.id", value: |v| Some(v.event.comment.as_ref()?.id.as_str().into()) },
    Name { name: "change.head", value: |v| Some(v.event.change.as_ref()?.head.as_ref()?.as_str().into()) },
    Name { name: "change.base", value: |v| Some(v.event.change.as_ref()?.base.as_ref()?.as_str().into()) },
    Name { name: "actor.id", value: |v| Some(v.event.actor.as_ref()?.id.as_str().into()) },
    Name { name: "actor.login", value: |v| Some(v.event.actor.as_ref()?.login.as_str().into()) },
    Name { name: "project", value: |v| Some(v.event.project.as_deref()?.into()) },
    Name { name: "schedule.time", value: scheduled },
];

fn scheduled<'a>(values: &Values<'a>) -> Value<'a> {
    let time = values.event.time.filter(|_| values.event.r#type == EventType::ScheduleFired)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true).into())
}

/// Checks a text when it is loaded.
///
/// # Errors
/// When a `${{ }}` in it has no end, or names what there is not or what others write.
pub fn check(text: &str) -> Result<(), InterpolationError> {
    for piece in pieces(text) {
        if let Piece::Name { offset, len, given } = piece {
            let known = NAMES.iter().any(|name| Some(name.name) == given);
            if !known {
                let (message, remedy) = explained(given);
                return Err(InterpolationError { offset, len, message, remedy });
            }
        }
    }
    Ok(())
}

/// Checks a command line when it is loaded: as [`check`], and no value may be the command itself.
///
/// # Errors
/// As [`check`], and when a `${{ }}` stands where the shell takes the name of a command.
pub fn check_command(line: &str) -> Result<(), InterpolationError> {
    check(line)?;
    for piece in pieces(line) {
        let Piece::Name { offset, len, .. } = piece else { continue };
        let before = line.get(..offset).unwrap_or_default().trim_end_matches([' ', '\t', '"', '\'']);
        if before.is_empty() || before.ends_with(['\n', ';', '|', '&', '(', '{', '`', '!']) {
            return Err(InterpolationError {
                offset,
                len,
                message: "the value would be the command".to_owned(),
                remedy: "name the command, and give it the value as an argument".to_owned(),
            });
        }
    }
    Ok(())
}

/// Puts the values of an event into a text.
///
/// # Errors
/// When a value is not there or is more than a word.
pub fn render(text: &str, values: &Values<'_>) -> Result<String, RenderError> {
    let mut rendered = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => rendered.push_str(text),
            Piece::Name { given, .. } => {
                let name =
                    NAMES.iter().find(|name| Some(name.name) == given).ok_or(RenderError::Unreadable)?;
                let value = (name.value)(values).filter(|value| !value.is_empty());
                let value = value.ok_or(RenderError::Absent { name: name.name })?;
                if !is_word(&value) {
                    return Err(RenderError::NoWord { name: name.name });
                }
                rendered.push_str(&value);
            }
        }
    }
    Ok(rendered)
}

/// The automation with the values of an event in its commands, gate, variables, title and group.
///
/// # Errors
/// When a value is not there or is more than a word.
pub fn automation(values: &Values<'_>) -> Result<Automation, RenderError> {
    let mut automation = values.automation.clone();
    let run = &mut automation.run;
    let texts = run.commands.iter_mut().chain(&mut run.gate).chain(run.env.values_mut());
    let title = automation.output.pull_request.as_mut().and_then(|request| request.title.as_mut());
    let group = automation.concurrency.as_mut().and_then(|concurrency| concurrency.group.as_mut());
    for text in texts.chain(title).chain(group).filter(|text| text.contains(OPEN)) {
        *text = render(text, values)?;
    }
    Ok(automation)
}

/// Whether a shell takes it for one word that does nothing: `[A-Za-z0-9][A-Za-z0-9._/@:+-]*`, no `..`.
fn is_word(value: &str) -> bool {
    value.len() <= LONGEST
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "._/@:+-".contains(c))
        && !value.contains("..")
}

/// A text is made of these.
enum Piece<'t> {
    Text(&'t str),
    /// What stands between the brackets; nothing where they are not closed.
    Name {
        offset: usize,
        len: usize,
        given: Option<&'t str>,
    },
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (len, piece) = match rest.find(OPEN) {
            None => (rest.len(), Piece::Text(rest)),
            Some(0) => match rest.split_once(CLOSE) {
                Some((name, _)) => {
                    let len = name.len() + CLOSE.len();
                    let given = name.strip_prefix(OPEN).map(str::trim);
                    (len, Piece::Name { offset: at, len, given })
                }
                None => (rest.len(), Piece::Name { offset: at, len: rest.len(), given: None }),
            },
            Some(before) => (before, Piece::Text(rest.get(..before)?)),
        };
        at += len;
        Some(piece)
    })
}

/// What is wrong with a name that there is not.
fn explained(given: Option<&str>) -> (String, String) {
    let Some(given) = given else {
        return (format!("`{OPEN}` has no end"), format!("close it: `{OPEN} run.id {CLOSE}`"));
    };
    if given.is_empty() {
        return (format!("`{OPEN} {CLOSE}` names nothing"), format!("for example `{OPEN} run.id {CLOSE}`"));
    }
    let plain = ["github.event.", "github.", "event."].iter().find_map(|lead| given.strip_prefix(lead));
    let plain = plain.unwrap_or(given);
    let last = given.rsplit('.').next().unwrap_or(given);
    if DATA.contains(&last) {
        let remedy = "it is data: commands find it in the file $PULLWRIGHT_EVENT, and in title.txt, body.md and \
                      comment.md beside it";
        return (format!("`{given}` is a text that others write"), remedy.to_owned());
    }
    let names = || NAMES.iter().map(|name| name.name);
    let meant = names().find(|name| *name == plain).or_else(|| config::yaml::closest(plain, names()));
    let remedy = match meant {
        Some(name) => format!("did you mean `{OPEN} {name} {CLOSE}`?"),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    (format!("there is no `{given}`"), remedy)
}
