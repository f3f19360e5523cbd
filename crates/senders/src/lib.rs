//! Senders: the tools whose webhooks we take. Pure: no I/O, no clock.
//!
//! Ingress asks a [`Sender`] whether a request is genuine; the dispatcher asks [`parse`] what it
//! says. A sender is one folder and one arm of each `match` below. The route decides the sender,
//! never a header: several tools send each other's headers (protocol notes, section 7 rule 1).

mod bitbucket;
mod content;
mod error;
pub mod generic;
mod gitea;
pub mod github;
mod gitlab;
mod handshake;
mod jira;
mod linear;
mod naming;
mod node;
pub mod samples;
mod sentry;
mod signature;
mod slack;
mod standard_webhooks;
mod token;
mod tree;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use schemas::event::SourceKind;
use schemas::{ConnectionName, Delivery, Event};

pub use bitbucket::Bitbucket;
pub use content::BodyFormat;
pub use error::{EmptySecret, InvalidSecret, MalformedForm, ParseError, UnsupportedContent, Unverified};
pub use generic::Generic;
pub use gitea::Gitea;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use handshake::Handshake;
pub use jira::Jira;
pub use linear::Linear;
pub use sentry::Sentry;
pub use slack::Slack;

/// A configured sender: its scheme and its secrets.
#[derive(Debug)]
pub enum Sender {
    /// GitHub, github.com or GHES, by repository hook, organisation hook or App.
    GitHub(GitHub),
    /// GitLab, gitlab.com or self-managed, by project, group or system hook.
    GitLab(GitLab),
    /// Jira Cloud or Data Center.
    Jira(Jira),
    /// Any other tool, by a mapping that its owner wrote.
    Generic(Generic),
    /// Sentry, sentry.io or self-hosted, by an integration.
    Sentry(Sentry),
    /// Gitea or Forgejo.
    Gitea(Gitea),
    /// Bitbucket Cloud or Data Center.
    Bitbucket(Bitbucket),
    /// Linear.
    Linear(Linear),
    /// One Slack app.
    Slack(Slack),
}

impl Sender {
    /// The kind that configuration names it by.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::GitHub(_) => SourceKind::Github,
            Self::GitLab(_) => SourceKind::Gitlab,
            Self::Jira(_) => SourceKind::Jira,
            Self::Generic(_) => SourceKind::Generic,
            Self::Sentry(_) => SourceKind::Sentry,
            Self::Gitea(_) => SourceKind::Gitea,
            Self::Bitbucket(_) => SourceKind::Bitbucket,
            Self::Linear(_) => SourceKind::Linear,
            Self::Slack(_) => SourceKind::Slack,
        }
    }

    /// Whether who sent this knows the secret. `raw_body` is the body as it came over the wire;
    /// `now` is for schemes that sign a time.
    ///
    /// # Errors
    /// With the reason it cannot be believed; a missing signature is one.
    pub fn verify(&self, headers: &HeaderMap, raw_body: &[u8], now: DateTime<Utc>) -> Result<(), Unverified> {
        match self {
            Self::GitHub(github) => github.verify(headers, raw_body),
            Self::GitLab(gitlab) => gitlab.verify(headers, raw_body, now),
            Self::Jira(jira) => jira.verify(headers, raw_body, now),
            Self::Generic(generic) => generic.verify(headers, raw_body, now),
            Self::Sentry(sentry) => sentry.verify(headers, raw_body),
            Self::Gitea(gitea) => gitea.verify(headers, raw_body),
            Self::Bitbucket(bitbucket) => bitbucket.verify(headers, raw_body),
            Self::Linear(linear) => linear.verify(headers, raw_body, now),
            Self::Slack(slack) => slack.verify(headers, raw_body, now),
        }
    }

    /// The answer to a request that only asks whether somebody is here, to be given at once, before
    /// [`Sender::verify`] and in its place; nothing of such a request is stored.
    ///
    /// It is `None` for every other request, and for one that had to be signed and is not.
    #[must_use]
    pub fn handshake(&self, headers: &HeaderMap, raw_body: &[u8], now: DateTime<Utc>) -> Option<Handshake> {
        match self {
            Self::Sentry(sentry) => sentry::handshake(sentry, headers, raw_body),
            Self::Bitbucket(bitbucket) => bitbucket::handshake(bitbucket, headers, raw_body),
            Self::Slack(slack) => slack::handshake(slack, headers, raw_body, now),
            _ => None,
        }
    }

    /// The HTTP status that tells this sender that its delivery is stored.
    #[must_use]
    pub fn accepted_status(&self) -> u16 {
        match self {
            // Linear takes anything but 200 for a failure.
            Self::Linear(_) => 200,
            _ => 202,
        }
    }

    /// A harmless delivery as this sender makes it at `now`, signed: headers and body. `id` is its
    /// delivery id.
    #[must_use]
    pub fn ping(&self, id: &str, now: DateTime<Utc>) -> (Vec<(&'static str, String)>, Vec<u8>) {
        match self {
            Self::GitHub(github) => github::ping(github, id),
            Self::GitLab(gitlab) => gitlab::ping(gitlab, id, now),
            Self::Jira(jira) => jira::ping(jira, id, now),
            Self::Generic(generic) => generic::ping(generic, id, now),
            Self::Sentry(sentry) => sentry::ping(sentry, id),
            Self::Gitea(gitea) => gitea::ping(gitea, id),
            Self::Bitbucket(bitbucket) => bitbucket::ping(bitbucket, id),
            Self::Linear(linear) => linear::ping(linear, id, now),
            Self::Slack(slack) => slack::ping(slack, id, now),
        }
    }

    /// The headers that this sender would send with `raw_body` at `now`, signed with the first of its
    /// secrets. `event` is the sender's own name of what happened (`issues`, `Issue Hook`), where it
    /// says one beside the body; `id` is its delivery id.
    #[must_use]
    pub fn sign(
        &self,
        event: &str,
        id: &str,
        now: DateTime<Utc>,
        format: BodyFormat,
        raw_body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let mut headers = match self {
            Self::GitHub(github) => github::signed(github, event, id, raw_body),
            Self::GitLab(gitlab) => gitlab::signed(gitlab, event, id, now, raw_body),
            Self::Jira(jira) => jira::signed(jira, id, now, raw_body),
            Self::Generic(generic) => generic.sign(id, now, raw_body),
            Self::Sentry(sentry) => sentry::signed(sentry, event, raw_body),
            // A form that holds no payload cannot be signed; it is sent as it is, and refused.
            Self::Gitea(gitea) => {
                let payload = content::json_of(format, raw_body).unwrap_or(Cow::Borrowed(raw_body));
                gitea::signed(gitea, event, id, &payload)
            }
            Self::Bitbucket(bitbucket) => bitbucket::signed(bitbucket, event, id, raw_body),
            Self::Linear(linear) => linear::signed(linear, id, raw_body),
            Self::Slack(slack) => slack.sign(raw_body, now),
        };
        headers.push(("content-type", format.content_type().to_owned()));
        headers
    }

    /// How the body is written, from `Content-Type` and `Content-Encoding`.
    ///
    /// # Errors
    /// When it is written in a way this sender never does; a compressed body is one.
    pub fn check_content_type(&self, headers: &HeaderMap) -> Result<BodyFormat, UnsupportedContent> {
        match self {
            Self::GitHub(_) => content::check(headers, github::FORMATS),
            Self::GitLab(_) => content::check(headers, gitlab::FORMATS),
            Self::Jira(_) => content::check(headers, jira::FORMATS),
            Self::Generic(_) => content::check(headers, generic::FORMATS),
            Self::Sentry(_) => content::check(headers, sentry::FORMATS),
            Self::Gitea(_) => content::check(headers, gitea::FORMATS),
            Self::Bitbucket(_) => content::check(headers, bitbucket::FORMATS),
            Self::Linear(_) => content::check(headers, linear::FORMATS),
            Self::Slack(_) => content::check(headers, slack::FORMATS),
        }
    }

    /// The headers that [`parse`] needs, in lower case; nothing else is stored with a delivery.
    #[must_use]
    pub fn kept_headers(&self) -> &[&'static str] {
        match self {
            Self::GitHub(_) => github::KEPT_HEADERS,
            Self::GitLab(_) => gitlab::KEPT_HEADERS,
            Self::Jira(_) => jira::KEPT_HEADERS,
            Self::Generic(generic) => generic.kept_headers(),
            Self::Sentry(_) => sentry::KEPT_HEADERS,
            Self::Gitea(_) => gitea::KEPT_HEADERS,
            Self::Bitbucket(_) => bitbucket::KEPT_HEADERS,
            Self::Linear(_) => linear::KEPT_HEADERS,
            Self::Slack(_) => slack::KEPT_HEADERS,
        }
    }

    /// The JSON in a body: itself, the field `payload` of a form, or a slash command's fields.
    ///
    /// # Errors
    /// When a form does not decode, or does not hold exactly one `payload`.
    pub fn json_of<'a>(
        &self,
        format: BodyFormat,
        raw_body: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, MalformedForm> {
        match self {
            Self::Slack(_) => slack::json_of(format, raw_body),
            _ => content::json_of(format, raw_body),
        }
    }
}

/// Reads a delivery as an event of `connection`; `raw` is its body, decompressed. A delivery of
/// [`SourceKind::Generic`] is read by [`generic::parse`] instead.
///
/// What the sender says is believed as far as the signature goes: it says who delivered, not who
/// wrote. An event without a mapping is kept as [`schemas::event::EventType::Unmapped`].
///
/// # Errors
/// When the delivery is not what its sender would send; it is to be kept for a person to look at.
pub fn parse(
    kind: SourceKind,
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    match kind {
        SourceKind::Github => github::parse(connection, delivery, raw),
        SourceKind::Sentry => sentry::parse(connection, delivery, raw),
        SourceKind::Gitea => gitea::parse(connection, delivery, raw),
        SourceKind::Bitbucket => bitbucket::parse(connection, delivery, raw),
        SourceKind::Linear => linear::parse(connection, delivery, raw),
        SourceKind::Slack => slack::parse(connection, delivery, raw),
        SourceKind::Gitlab => gitlab::parse(connection, delivery, raw),
        SourceKind::Jira => jira::parse(connection, delivery, raw),
        SourceKind::Generic | SourceKind::Pullwright => Err(ParseError::NoMapping),
    }
}
