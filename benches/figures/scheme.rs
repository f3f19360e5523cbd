//! How the four main tools sign a body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit};
use senders::{GitHub, GitLab, Jira, Sender, Sentry};
use sha2::Sha256;

/// What signs.
pub const SECRET: &str = "a-secret-of-the-figures-bench";

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    GitHub,
    GitLab,
    Jira,
    Sentry,
}

impl Scheme {
    pub const ALL: [Self; 4] = [Self::GitHub, Self::GitLab, Self::Jira, Self::Sentry];

    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Jira => "jira",
            Self::Sentry => "sentry",
        }
    }

    /// The scheme of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// What takes its deliveries.
    pub fn sender(self) -> anyhow::Result<Sender> {
        let secrets = [SECRET.as_bytes().to_vec()];
        Ok(match self {
            Self::GitHub => Sender::GitHub(GitHub::new(secrets.to_vec())?),
            Self::GitLab => {
                let token = format!("whsec_{}", STANDARD.encode(SECRET));
                Sender::GitLab(GitLab::new(vec![token], Vec::new())?)
            }
            Self::Jira => Sender::Jira(Jira::signed(&secrets)?),
            Self::Sentry => Sender::Sentry(Sentry::new(&secrets)?),
        })
    }

    /// The key, where id and time are signed before the body; otherwise the body alone is.
    pub fn signs_before_body(self) -> Option<Hmac<Sha256>> {
        (self == Self::GitLab).then(|| Hmac::new_from_slice(SECRET.as_bytes()).ok()).flatten()
    }

    /// What GitLab signs before the body.
    pub fn signed_beginning(number: u64, seconds: i64) -> String {
        format!("{}.{seconds}.", Self::id(number))
    }

    /// The header that carries the signature, and what stands before it there.
    pub fn signature(self) -> (&'static str, &'static str) {
        match self {
            Self::GitHub => ("x-hub-signature-256", "sha256="),
            Self::GitLab => ("webhook-signature", "v1,"),
            Self::Jira => ("x-hub-signature", "sha256="),
            Self::Sentry => ("sentry-hook-signature", ""),
        }
    }

    /// Every header that is the tool's own, each line with its end.
    pub fn headers(self, number: u64, seconds: i64, mac: &[u8]) -> String {
        let (id, (name, prefix)) = (Self::id(number), self.signature());
        let signature = if self == Self::GitLab { STANDARD.encode(mac) } else { hex::encode(mac) };
        let others = match self {
            Self::GitHub => {
                format!(
                    "user-agent: GitHub-Hookshot/044aadd\r\nx-github-event: issues\r\nx-github-delivery: {id}\r\n"
                )
            }
            Self::GitLab => format!(
                "user-agent: GitLab/19.5.0\r\nx-gitlab-event: Issue Hook\r\nwebhook-id: {id}\r\nwebhook-timestamp: {seconds}\r\n"
            ),
            Self::Jira => format!(
                "user-agent: Atlassian Webhook HTTP Client\r\nx-atlassian-webhook-identifier: {id}\r\n"
            ),
            Self::Sentry => format!(
                "user-agent: Sentry/1.0\r\nsentry-hook-resource: issue\r\nrequest-id: {id}\r\nsentry-hook-timestamp: {seconds}\r\n"
            ),
        };
        format!("{others}{name}: {prefix}{signature}\r\n")
    }

    fn id(number: u64) -> String {
        format!("72d3162e-cc78-11e3-81ab-{number:012}")
    }
}
