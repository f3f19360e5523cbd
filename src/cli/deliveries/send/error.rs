//! Why a sample was not delivered, and what to do about it.

use std::path::PathBuf;

use config::Settings;
use miette::Diagnostic;
use schemas::WebhookName;
use schemas::event::SourceKind;
use senders::InvalidSecret;
use senders::samples::{self, AimError};

/// Why a sample was not delivered.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum SendError {
    /// The configuration has no such webhook.
    #[error("there is no webhook `{name}` in the configuration")]
    UnknownWebhook {
        /// What was asked for.
        name: WebhookName,
        /// What there is.
        #[help]
        help: String,
    },
    /// Its secret cannot sign.
    #[error("the webhook `{webhook}` cannot sign")]
    Secret {
        /// Which one.
        webhook: WebhookName,
        /// Why.
        source: InvalidSecret,
    },
    /// No sample of this event.
    #[error("there is no sample of `{event}` for {kind}")]
    NoSample {
        /// The webhook's kind.
        kind: SourceKind,
        /// What was asked for.
        event: String,
        /// What there is.
        #[help]
        help: String,
    },
    /// The tool has no such event.
    #[error("{kind} delivers nothing that is `{event}`")]
    #[diagnostic(help(
        "name an event that it has, or say it in the sender's own words; `pullwright deliveries send WEBHOOK` lists some"
    ))]
    NoSuchEvent {
        /// The webhook's kind.
        kind: SourceKind,
        /// What was asked for.
        event: String,
    },
    /// Nobody knows what such a tool sends.
    #[error("there is no sample for a {kind} webhook: what its tool sends is its own")]
    #[diagnostic(help("give a body with `--payload FILE`"))]
    NoSamples {
        /// The webhook's kind.
        kind: SourceKind,
    },
    /// The tool says what happened in a header, and nobody said what.
    #[error("{kind} says in a header what happened, which the body alone does not tell")]
    #[diagnostic(help("name the event: `issue.labeled`, or the sender's own name of it"))]
    Nameless {
        /// The webhook's kind.
        kind: SourceKind,
    },
    /// The sample cannot be about that.
    #[error(transparent)]
    #[diagnostic(help(
        "`--set /pointer=value` changes any place of a sample, and `--payload FILE` sends a body of your own"
    ))]
    Aim(#[from] AimError),
    /// A pointer into nothing.
    #[error("the sample has nothing at `{pointer}`")]
    #[diagnostic(help("a pointer's last part may be new; all before it must be there"))]
    NoPlace {
        /// Where.
        pointer: String,
    },
    /// The body's file.
    #[error("{} cannot be read", path.display())]
    Payload {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// 401.
    #[error("the webhook `{webhook}` at {server} does not believe the signature")]
    Unbelieved {
        /// Which webhook.
        webhook: WebhookName,
        /// Where.
        server: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// 404.
    #[error("{server} has no webhook `{webhook}`")]
    #[diagnostic(help(
        "it was started with another configuration: restart it; or webhooks are taken at another address: name it with --to"
    ))]
    NotThere {
        /// Which webhook.
        webhook: WebhookName,
        /// Where.
        server: String,
    },
    /// Any other answer.
    #[error("{server} did not take it: {status} {sentence}")]
    Refused {
        /// Where.
        server: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        sentence: String,
    },
}

impl SendError {
    pub(in crate::cli::deliveries) fn unknown_webhook(name: &WebhookName, settings: &Settings) -> Self {
        let known = || settings.webhooks.keys().map(WebhookName::as_str);
        let help = match config::yaml::closest(name.as_str(), known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if settings.webhooks.is_empty() => "add one to `webhooks`".to_owned(),
            None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        Self::UnknownWebhook { name: name.clone(), help }
    }

    pub(super) fn no_sample(kind: SourceKind, event: &str) -> Self {
        let known = || samples::of(kind).map(|sample| sample.event);
        let help = match config::yaml::closest(event, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known().next().is_none() => return Self::NoSamples { kind },
            None => format!(
                "there are: {}; any other event can be sent with `--payload FILE`",
                known().collect::<Vec<_>>().join(", ")
            ),
        };
        Self::NoSample { kind, event: event.to_owned(), help }
    }

    /// A signature that is not believed, and what to do about it.
    pub(super) fn unbelieved(kind: SourceKind, webhook: WebhookName, server: String) -> Self {
        let mut help = format!(
            "the running Pullwright was started with another secret than `webhooks.{webhook}` has here: run this \
             in its environment, or restart it after a change; and compare the clocks of both machines"
        );
        if kind == SourceKind::Linear {
            help += ". A body of Linear's says when it was sent, in `webhookTimestamp`, at most a minute ago";
        }
        Self::Unbelieved { webhook, server, help }
    }
}
