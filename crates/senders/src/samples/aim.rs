//! The places of a sample: `{{name}}` is a text, `{{#name}}`, which stands alone, a number.

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::event::SourceKind;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Sample;

/// What a sample is to be about; each sample has some of these, and its own where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aim {
    /// The repository as its forge calls it: `acme/api`.
    pub repository: Option<String>,
    /// The project of a tracker: Jira's and Linear's key, Sentry's slug.
    pub project: Option<String>,
    /// The issue or pull request: `12`, `PAY-31`.
    pub item: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// The login of who did it.
    pub actor: Option<String>,
    /// What the comment says.
    pub text: Option<String>,
}

/// What has to be new in each delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    /// When it happens.
    pub now: DateTime<Utc>,
    /// Where ids and hashes come from.
    pub id: Uuid,
}

/// Why a sample cannot be about what it was aimed at.
#[derive(Debug, thiserror::Error)]
pub enum AimError {
    /// Such an event has no such thing.
    #[error("an event `{event}` of {kind} has no {what}")]
    Absent {
        /// The tool.
        kind: SourceKind,
        /// The sample's event.
        event: &'static str,
        /// What was named.
        what: &'static str,
    },
    /// A repository, issue or project of another tool, or a slip of the pen.
    #[error("`{given}` is no {what} of {kind}; write it like `{like}`")]
    Unfit {
        /// The tool.
        kind: SourceKind,
        /// What was named.
        what: &'static str,
        /// How.
        given: String,
        /// What would be right.
        like: &'static str,
    },
    /// A mistake of ours.
    #[error("the sample itself is broken")]
    Broken(#[from] serde_json::Error),
}

pub(super) fn fill(sample: &Sample, aim: &Aim, fresh: Fresh) -> Result<Value, AimError> {
    check(sample, aim)?;
    let mut body = serde_json::from_str(sample.template)?;
    fill_in(&mut body, &|name| place(name, sample.kind, aim, fresh));
    Ok(body)
}

/// Fills the places below `value`; a name that `text_of` does not know stays as it is.
fn fill_in(value: &mut Value, text_of: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_in(field, text_of)),
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, text_of)),
        Value::String(text) => {
            let alone = text.strip_prefix("{{#").and_then(|rest| rest.strip_suffix("}}"));
            *value = match alone.and_then(text_of).map(|number| number.parse::<i64>()) {
                Some(Ok(number)) => Value::from(number),
                _ => Value::String(filled(text, text_of)),
            };
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn filled(text: &str, text_of: &impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, from)| Some((before, from.split_once("}}")?)))
    {
        out.push_str(before);
        match text_of(name) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = after;
    }
    out + rest
}

/// What stands at a place.
fn place(name: &str, kind: SourceKind, aim: &Aim, fresh: Fresh) -> Option<String> {
    let given = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    let repository = given(&aim.repository, "acme/api");
    let (owner, name_alone) = repository.rsplit_once('/').unwrap_or(("", &repository));
    Some(match name {
        "owner" => owner.to_owned(),
        "name" => name_alone.to_owned(),
        "repo" => repository,
        "project" => project(kind, aim),
        "item" => given(&aim.item, &default_item(kind, aim)),
        "label" => given(&aim.label, "pullwright:fix"),
        "actor" => given(&aim.actor, "maintainer"),
        "text" if kind == SourceKind::Slack => given(&aim.text, "please fix it"),
        "text" => given(&aim.text, "/agent please fix it"),
        // GitHub has whole seconds; with more, two samples of one second are two happenings.
        "now" => fresh.now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "seconds" => fresh.now.timestamp().to_string(),
        "millis" => fresh.now.timestamp_millis().to_string(),
        "micros" => format!("{:06}", fresh.now.timestamp_subsec_micros()),
        "id" => fresh.now.timestamp_micros().to_string(),
        "uuid" => fresh.id.to_string(),
        "hex" => fresh.id.simple().to_string(),
        "sha" => sha("after", fresh.id),
        "before" => sha("before", fresh.id),
        _ => return None,
    })
}

/// Jira and Linear name a project in the key of each issue.
fn project(kind: SourceKind, aim: &Aim) -> String {
    let of_item = || aim.item.as_ref()?.rsplit_once('-').map(|(project, _)| project.to_owned());
    let default = match kind {
        SourceKind::Jira => "PAY",
        SourceKind::Linear => "ENG",
        _ => "api",
    };
    aim.project.clone().or_else(of_item).unwrap_or_else(|| default.to_owned())
}

fn default_item(kind: SourceKind, aim: &Aim) -> String {
    match kind {
        SourceKind::Jira => format!("{}-31", project(kind, aim)),
        SourceKind::Linear => format!("{}-12", project(kind, aim)),
        SourceKind::Sentry => "4711".to_owned(),
        _ => "12".to_owned(),
    }
}

/// The id of a commit that does not exist.
fn sha(which: &str, id: Uuid) -> String {
    let mut sha = hex::encode(Sha256::new().chain_update(which).chain_update(id.as_bytes()).finalize());
    sha.truncate(40);
    sha
}

fn check(sample: &Sample, aim: &Aim) -> Result<(), AimError> {
    let Sample { kind, event, template } = *sample;
    let has = |place: &str| template.contains(&format!("{{{{{place}}}}}"));
    let number = has("#item");
    for (given, what, there) in [
        (&aim.repository, "repository", has("repo")),
        (&aim.project, "project", has("project")),
        (&aim.item, "item", has("item") || number),
        (&aim.label, "label", has("label")),
        (&aim.actor, "actor", has("actor")),
        (&aim.text, "text", has("text")),
    ] {
        if given.is_some() && !there {
            return Err(AimError::Absent { kind, event, what });
        }
    }
    let digits = |text: &str| (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_key = |text: &str| text.rsplit_once('-').is_some_and(|(key, n)| !key.is_empty() && digits(n));
    let unfit = |given: &String, what, like| Err(AimError::Unfit { kind, what, given: given.clone(), like });
    if let Some(given) = aim.repository.as_ref().filter(|repo| !is_path(repo)) {
        return unfit(given, "repository", "acme/api");
    }
    match (&aim.item, kind) {
        (Some(item), SourceKind::Jira) if !is_key(item) => unfit(item, "item", "PAY-31"),
        (Some(item), SourceKind::Linear) if !is_key(item) => unfit(item, "item", "ENG-12"),
        (Some(item), _) if number && !digits(item) => unfit(item, "item", "12"),
        _ => Ok(()),
    }
}

fn is_path(repository: &str) -> bool {
    repository.split('/').count() >= 2 && repository.split('/').all(|part| !part.is_empty())
}
