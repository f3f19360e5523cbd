//! `pullwright deliveries …`

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ClapArgs, Subcommand};
use schemas::{DeliveryId, WebhookName};
use serde_json::Value;

use super::Page;

/// `deliveries`
#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// The newest deliveries
    #[command(after_help = "  pullwright deliveries list --limit 10
  pullwright deliveries list --json | jq '.items[] | select(.decisions.denied)'")]
    List(Page),
    /// One delivery: headers, event, decisions, runs
    Show {
        /// Its id, as the list prints it
        id: DeliveryId,
    },
    /// What every automation made of a delivery, and why
    #[command(after_help = "\
By the automations that were in force then, and by what the forge answered then: nobody is asked
anything. Without --all only those are shown that listen to such an event.")]
    Explain {
        /// Its id, as the list prints it
        id: DeliveryId,
        /// What the automations of now make of it, whatever was decided
        #[arg(long)]
        current: bool,
        /// Also automations that listen to other events
        #[arg(long)]
        all: bool,
    },
    /// Deliveries as they are decided, until Ctrl-C
    #[command(after_help = "\
One line each: id, time, webhook, event, work item, actor, decisions. When the server restarts, it
is waited for, and nothing that was decided meanwhile is left out.

  pullwright deliveries tail --webhook github
  pullwright deliveries tail --json | jq 'select(.decisions.matched) | .id'")]
    Tail {
        /// Only deliveries of this webhook
        #[arg(long, value_name = "NAME")]
        webhook: Option<WebhookName>,
    },
    /// Decide a stored delivery anew
    #[command(after_help = "\
What was stored is parsed and decided by what is in force now, as a new delivery with an id of its
own: after an automation was changed, or when a new version reads what was quarantined. It is no
duplicate of the first; that one work item has one active run still holds.

  pullwright deliveries replay ID --observe    what would happen; nothing is started or written
  pullwright deliveries replay ID              and now for good

Exit code 1 when it was quarantined again, or its body is no longer stored.")]
    Replay {
        /// Its id, as the list prints it
        id: DeliveryId,
        /// Decide and record, but start nothing and write nothing
        #[arg(long)]
        observe: bool,
    },
    /// Sign and deliver a sample, to try automations out
    #[command(after_help = "\
The webhook's secret comes from the configuration, so that the delivery is as genuine as a real
one: an automation in mode `live` acts on it. Without EVENT the samples of the webhook's kind are
listed.

  pullwright deliveries send github                                    the samples there are
  pullwright deliveries send github issue.labeled --repo acme/api --item 12 --label pullwright:fix
  pullwright deliveries send github comment.created --item 12 --text '/agent try again'
  pullwright deliveries send jira issue.transitioned --item PAY-31 --set /issue/fields/labels/0=bug
  pullwright deliveries send github issues --payload saved.json        a body of your own, as it is

`allow: { permission: ... }` is asked of the forge: name an --actor who exists there. Exit code 1
when the delivery was quarantined.")]
    Send(Box<SendArgs>),
}

/// `deliveries send`
#[derive(Debug, Clone, ClapArgs)]
pub struct SendArgs {
    /// A webhook's name in the configuration
    pub webhook: WebhookName,
    /// What happens, such as `issue.labeled`; with --payload also the sender's own name of it, such
    /// as `issues` or `Issue Hook`
    pub event: Option<String>,
    /// Send this body exactly as it is; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repo", "project", "item", "label", "actor", "text", "set"])]
    pub payload: Option<PathBuf>,
    /// The repository it happens in [default: acme/api]
    #[arg(long, value_name = "REPOSITORY")]
    pub repo: Option<String>,
    /// The tracker's project: a key of Jira or Linear, a slug of Sentry
    #[arg(long)]
    pub project: Option<String>,
    /// The issue or pull request: `12`, `PAY-31` [default: one that may not exist]
    #[arg(long)]
    pub item: Option<String>,
    /// The label [default: pullwright:fix]
    #[arg(long)]
    pub label: Option<String>,
    /// The login of who does it [default: maintainer]
    #[arg(long, value_name = "LOGIN")]
    pub actor: Option<String>,
    /// What the comment says [default: /agent please fix it]
    #[arg(long)]
    pub text: Option<String>,
    /// Put a value at a place of the sample: a JSON Pointer, then JSON or a plain text
    #[arg(long, value_name = "POINTER=VALUE")]
    pub set: Vec<Setting>,
    /// Where webhooks are delivered to [default: --server, then the configuration's address]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
}

/// A value for one place of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// A JSON Pointer (RFC 6901) with at least one part.
    pub pointer: String,
    /// What to put there.
    pub value: Value,
}

impl FromStr for Setting {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (pointer, value) = text.split_once('=').ok_or("write it like /issue/title=Hello")?;
        if !pointer.starts_with('/') {
            return Err(format!("`{pointer}` is no JSON Pointer: it begins with `/`"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self { pointer: pointer.to_owned(), value })
    }
}
