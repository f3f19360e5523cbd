//! Webhooks as a forge keeps them, with the deliveries it made: what a receiver that was down
//! needs to find what it missed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemas::{RepoRef, WebhookName};

use crate::ForgeError;

/// A forge that keeps its deliveries and makes one again when asked. It does not retry by itself
/// (<https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries>).
#[async_trait]
pub trait HookDeliveries: Send + Sync {
    /// Whether we are an App there, whose one hook tells of every repository.
    fn is_app(&self) -> bool;

    /// The App's hook; `None` when it has none, or we are no App.
    async fn app_hook(&self) -> Result<Option<Hook>, ForgeError>;

    /// The active hooks of a repository. [`ForgeError::NotFound`] or [`ForgeError::Forbidden`] when
    /// the credential may not see them.
    async fn repository_hooks(&self, repo: &RepoRef) -> Result<Vec<Hook>, ForgeError>;

    /// Attempts to deliver, newest first, 100 at a time; `after` is the page before's `next`.
    async fn deliveries(&self, hook: &HookSource, after: Option<&Cursor>)
    -> Result<DeliveryPage, ForgeError>;

    /// Asks for one more attempt of a delivery; it comes under the same guid, soon. Asking twice
    /// makes two attempts.
    async fn redeliver(&self, hook: &HookSource, delivery: u64) -> Result<(), ForgeError>;
}

/// Whose hook it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookSource {
    /// The App's.
    App,
    /// A repository's.
    Repository {
        /// The repository.
        repo: RepoRef,
        /// The hook's id.
        id: u64,
    },
}

/// A webhook that is registered with a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Whose it is.
    pub source: HookSource,
    /// Where it delivers to.
    pub url: String,
}

impl Hook {
    /// Which of our webhooks it delivers to, by the end of its address.
    #[must_use]
    pub fn webhook<'a>(&self, names: impl IntoIterator<Item = &'a WebhookName>) -> Option<&'a WebhookName> {
        names.into_iter().find(|name| leads_to(&self.url, name))
    }
}

/// Whether the path of `url` ends in `/webhooks/<name>`. Hosts are not compared: which names a
/// proxy in front of us answers to is nothing we know.
#[must_use]
pub fn leads_to(url: &str, name: &WebhookName) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let path = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    path.strip_suffix(name.as_str()).is_some_and(|before| before.ends_with("/webhooks/"))
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

/// A part of the list of attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The attempts, newest first.
    pub attempts: Vec<Attempt>,
    /// Where the list goes on, if it does.
    pub next: Option<Cursor>,
}

/// One attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id; what [`HookDeliveries::redeliver`] takes.
    pub id: u64,
    /// The event's id, the same for all attempts: `X-GitHub-Delivery`.
    pub guid: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Whether the receiver answered 2xx.
    pub accepted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_a_webhook_by_their_path() {
        for (url, expected) in [
            ("https://hooks.acme.dev/webhooks/github", true),
            ("https://hooks.acme.dev/pullwright/webhooks/github/", true),
            ("https://hooks.acme.dev/webhooks/github?x=1#y", true),
            ("https://{host}/webhooks/github", true),
            ("https://hooks.acme.dev/webhooks/github-2", false),
            ("https://hooks.acme.dev/webhooks/my-github", false),
            ("https://hooks.acme.dev/?to=/webhooks/github", false),
            ("https://hooks.acme.dev/webhooks/github/else", false),
            ("/webhooks/github", false),
            ("", false),
        ] {
            assert_eq!(leads_to(url, &WebhookName::from("github")), expected, "{url}");
        }
    }
}
