//! The command line as clap reads it. The help texts are the manual's short form.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use schemas::{DeliveryId, RunId, WebhookName};
use serde_json::Value;

/// Turns events into pull requests, on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "pullwright",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
First steps:
  pullwright init            write pullwright.yaml and a first automation
  pullwright doctor          check this machine, the configuration and the forges
  pullwright up              start; then let a forge deliver to POST /webhooks/github

When something did not happen:
  pullwright deliveries list               what arrived, and what was decided
  pullwright deliveries explain ID         why each automation did or did not start
  pullwright deliveries replay ID          decide it anew, after a change
  pullwright runs show ID                  what a run did, and how it ended

Exit codes: 0 fine, 1 problems were found, 2 it could not run."
)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Global {
    /// The configuration [default: $PULLWRIGHT_CONFIG, ./pullwright.yaml, then
    /// $XDG_CONFIG_HOME/pullwright/pullwright.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The running Pullwright to ask [default: $PULLWRIGHT_SERVER, then the configuration's address]
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// A file with the API's token [default: $PULLWRIGHT_TOKEN as the token itself, then
    /// admin.token in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// How log lines on standard error look
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people on a terminal, JSON elsewhere
    #[default]
    Auto,
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

impl From<LogFormat> for telemetry::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Auto => Self::Auto,
            LogFormat::Human => Self::Human,
            LogFormat::Json => Self::Json,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything in one process: webhooks, decisions, workers
    #[command(after_help = "\
Stops on SIGTERM or Ctrl-C: nothing new is started, running work is given time to end
(`runs.stop_grace`), and deliveries that still arrive are stored for the next start. A second
signal stops at once; unfinished runs are taken up again at the next start.")]
    Up,
    /// Write a commented pullwright.yaml and a first automation
    #[command(after_help = "\
Nothing is overwritten.

  pullwright init              into this folder
  pullwright init /srv/bots    into another one")]
    Init(InitArgs),
    /// Check the configuration and the automations, without starting anything
    #[command(after_help = "\
Reads pullwright.yaml and the folder of automations as `up` does, and shows every mistake with
its line. No secret is needed, and nothing is asked over the network: fit for a CI job.")]
    Check,
    /// Check this machine, the configuration, the secrets and the forges
    Doctor,
    /// The tables of the database
    Db {
        /// What to do with them.
        #[command(subcommand)]
        command: DbCommand,
    },
    /// What arrived at the webhooks, and what was decided
    Deliveries {
        /// What to do with them.
        #[command(subcommand)]
        command: DeliveriesCommand,
    },
    /// What was started
    Runs {
        /// What to do with them.
        #[command(subcommand)]
        command: RunsCommand,
    },
    /// What is in force
    Automations {
        /// What to do with them.
        #[command(subcommand)]
        command: AutomationsCommand,
    },
}

/// `init`
#[derive(Debug, Clone, ClapArgs)]
pub struct InitArgs {
    /// The folder to write to
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Which part of a list.
#[derive(Debug, Clone, ClapArgs)]
pub struct Page {
    /// How many, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200), value_name = "N")]
    pub limit: u16,
    /// Only older ones than the one with this id
    #[arg(long, value_name = "ID")]
    pub before: Option<RunId>,
}

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

/// `db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Which changes of the tables were made, and which are pending
    #[command(after_help = "Exit code 1 when one is pending, or was made by a newer version.")]
    Status,
    /// Make the pending changes, all or none
    #[command(after_help = "\
Every start does this by itself; several that start together do it once. A database that a newer
version has changed is refused. Make a backup first.")]
    Migrate,
}

/// `runs`
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The newest runs
    #[command(after_help = "  pullwright runs list --state active
  pullwright runs list --json | jq -r '.items[] | select(.outcome == \"failed\") | .id'")]
    List {
        /// Only runs in this state
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Which part of the list.
        #[command(flatten)]
        page: Page,
    },
    /// One run: steps, commands, writes to the forge, result
    Show {
        /// Its id, as the list prints it
        id: RunId,
    },
    /// What a run's commands printed
    Logs {
        /// Its id, as the list prints it
        id: RunId,
        /// Go on until the run is over
        #[arg(long, short)]
        follow: bool,
    },
    /// End a run
    #[command(after_help = "\
Its processes are killed within seconds. Once its result is being published it is too late, and
this ends with exit code 1.")]
    Cancel {
        /// Its id, as the list prints it
        id: RunId,
    },
}

/// `automations`
#[derive(Debug, Subcommand)]
pub enum AutomationsCommand {
    /// The automations in force, and why newer files are not
    List,
}

/// The states of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Waits at a gate
    Pending,
    /// Waits for a worker
    Queued,
    /// Is worked on
    Active,
    /// Is over
    Done,
}

impl State {
    /// The API's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Active => "active",
            Self::Done => "done",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in ["pullwright --json runs list --state done", "pullwright runs list --state done --json"] {
            let args = Args::parse_from(line.split(' '));
            assert!(args.global.json);
            let Command::Runs { command: RunsCommand::List { state, page } } = args.command else {
                panic!("{line}")
            };
            assert_eq!((state, page.limit), (Some(State::Done), 50));
        }
    }

    #[test]
    fn a_setting_is_json_or_a_text() {
        for (text, value) in [
            ("/a/b=7", Value::from(7)),
            ("/a/b=x y", Value::from("x y")),
            ("/a/b=\"7\"", Value::from("7")),
            ("/a/b=a=b", Value::from("a=b")),
            ("/a/b=", Value::from("")),
            ("/a/b=null", Value::Null),
        ] {
            assert_eq!(text.parse(), Ok(Setting { pointer: "/a/b".to_owned(), value }), "{text}");
        }
        for text in ["/a/b", "a=b", "=x", ""] {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused_here() {
        let error = Args::try_parse_from(["pullwright", "runs", "show", "../../healthz"]).unwrap_err();
        assert!(error.to_string().contains("is not an id as the lists print it"), "{error}");
    }
}
