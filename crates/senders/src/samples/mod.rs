//! Deliveries to try automations out with: one for each usual event of each tool.
//!
//! A sample is a body as its tool sends it (`samples/<kind>/<event>.json`) with places in it, such
//! as `{{repo}}`: some are what a person aims it by, the others are new each time, so that no sample
//! is taken for a repeat of the one before.

mod aim;
mod names;

use schemas::event::SourceKind;
use serde_json::Value;

use crate::content::BodyFormat;

pub use aim::{Aim, AimError, Fresh};
pub use names::own_name;

/// A delivery of one kind of event, to be filled in, signed and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The tool.
    pub kind: SourceKind,
    /// The event's type in our words: `issue.labeled`.
    pub event: &'static str,
    template: &'static str,
}

macro_rules! samples {
    ($($kind:ident $folder:literal: $($event:literal)+;)+) => {
        &[$($(Sample {
            kind: SourceKind::$kind,
            event: $event,
            template: include_str!(concat!("../../samples/", $folder, "/", $event, ".json")),
        },)+)+]
    };
}

const SAMPLES: &[Sample] = samples! {
    Github "github": "issue.opened" "issue.labeled" "comment.created" "pull_request.opened"
        "pull_request.updated" "pull_request.labeled" "pull_request.ready" "pull_request.closed"
        "pull_request.merged" "review.submitted" "review_comment.created" "push" "pipeline.completed"
        "release.published" "dispatch.received";
    Gitlab "gitlab": "issue.opened" "issue.labeled" "comment.created" "pull_request.opened"
        "pull_request.updated" "pull_request.merged" "push" "pipeline.completed";
    Jira "jira": "issue.opened" "issue.transitioned" "issue.labeled" "comment.created";
    Sentry "sentry": "alert.triggered" "alert.resolved" "error.created" "issue.opened";
    Gitea "gitea": "issue.opened" "issue.labeled" "comment.created" "pull_request.opened"
        "pull_request.updated" "pull_request.labeled" "pull_request.merged" "review.submitted" "push"
        "pipeline.completed" "release.published";
    Bitbucket "bitbucket": "issue.opened" "comment.created" "pull_request.opened" "pull_request.updated"
        "pull_request.merged" "pull_request.closed" "review.submitted" "push" "pipeline.completed";
    Linear "linear": "issue.opened" "issue.transitioned" "issue.labeled" "comment.created";
    Slack "slack": "comment.created" "dispatch.received";
};

/// The samples of one tool. [`SourceKind::Generic`] has none: its bodies are its owner's.
pub fn of(kind: SourceKind) -> impl Iterator<Item = &'static Sample> {
    SAMPLES.iter().filter(move |sample| sample.kind == kind)
}

impl Sample {
    /// How its body is written: a slash command is a form, all others are JSON.
    #[must_use]
    pub fn format(&self) -> BodyFormat {
        match (self.kind, self.event) {
            (SourceKind::Slack, "dispatch.received") => BodyFormat::Form,
            _ => BodyFormat::Json,
        }
    }

    /// The body with its places filled in.
    ///
    /// # Errors
    /// When `aim` names something that this sample does not have, or that does not fit it.
    pub fn body(&self, aim: &Aim, fresh: Fresh) -> Result<Value, AimError> {
        aim::fill(self, aim, fresh)
    }

    /// The bytes of a body that [`Sample::body`] made, as they are signed and sent.
    #[must_use]
    pub fn bytes(&self, body: &Value) -> Vec<u8> {
        match (self.format(), body.as_object()) {
            (BodyFormat::Form, Some(fields)) => {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let fields =
                    fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(&text(value))));
                fields.collect::<Vec<_>>().join("&").into_bytes()
            }
            _ => body.to_string().into_bytes(),
        }
    }
}

/// A text as a form holds it (WHATWG URL, application/x-www-form-urlencoded serializing).
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
