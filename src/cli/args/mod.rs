//! The command line as clap reads it. The help texts are the manual's short form.

mod automations;
mod db;
mod deliveries;
mod runs;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use config::Role;
use schemas::RunId;

use super::backtest::BacktestArgs;
use super::workers::WorkersCommand;

pub use automations::{AutomationsCommand, ScheduleFilter, SchedulesCommand};
pub use db::DbCommand;
pub use deliveries::{DeliveriesCommand, SendArgs, Setting};
pub use runs::{RunsCommand, State};

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
  pullwright check           read the configuration and the automations; test runs their tests
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
    /// Start what takes webhooks as a process of its own, on RabbitMQ
    #[command(after_help = "\
It holds the secrets of webhooks and may publish to RabbitMQ; it has no database and no credential of
a forge, and refuses to start where one is within its reach. A sender hears 202 once RabbitMQ has
confirmed that its delivery is on disk, and 503 while RabbitMQ does not.

Stops on SIGTERM or Ctrl-C, after the requests that are being read.")]
    Ingress,
    /// Start what decides and writes as a process of its own, on RabbitMQ
    #[command(after_help = "\
It takes deliveries from RabbitMQ, decides, gives runs to workers (`pullwright worker`), writes to
forges and serves the API. It holds the database and the credentials of forges; it refuses to start
where the secret of a webhook is within its reach.

Stops on SIGTERM or Ctrl-C: deliveries wait in RabbitMQ, and workers keep their runs until it is back.")]
    Dispatcher,
    /// Start a worker that is a process of its own, here or on another machine
    #[command(after_help = "\
It asks the control plane at `control_plane.url` for runs, works on `workers.slots` of them at once,
and holds no credential of a forge, no webhook secret and no database. Where it is not enrolled yet
it needs the token of `pullwright workers enrol NAME`, as `control_plane.enrolment`.

Stops on SIGTERM or Ctrl-C: running work is given time to end (`runs.stop_grace`) and handed back
after it, for another worker.")]
    Worker,
    /// Write a commented pullwright.yaml and a first automation
    #[command(after_help = "\
Nothing is overwritten.

  pullwright init              into this folder
  pullwright init /srv/bots    into another one")]
    Init(InitArgs),
    /// Check the configuration and the automations, without starting anything
    #[command(after_help = "\
Reads pullwright.yaml and the folder of automations as `up` does, and shows every mistake with its
place and what to do about it. No secret is needed, and nothing is asked over the network: fit for
a CI job.

  pullwright check             exit code 1 where something is wrong
  pullwright check --json      mistakes as data: file, line, column, message, remedy
  pullwright check --schema    the format as a JSON Schema, for editors")]
    Check(CheckArgs),
    /// Run the tests that automations have: would this delivery start them?
    #[command(after_help = "\
An automation says under `tests:` what it has to make of a delivery that is kept in a file:

  tests:
    - payload: payloads/labelled.json          a body as the sender sends it
      webhook: github                          where it would arrive
      headers: { x-github-event: issues }      what the sender says beside the body
      facts: { permission: write }             what the forge would say when asked
      expect: { decision: matched }            or not_matched with `clause:`, denied, …

Each is read and decided as a real one would be. No server, secret or forge is needed.

  pullwright test              all of them; exit code 1 where one fails
  pullwright test NAME…        those of some automations")]
    Test(TestArgs),
    /// Try changed automations on the deliveries of the last days
    #[command(after_help = "\
Which runs the automations of a folder would have made of what really arrived, beside those that
were made: gained, lost, changed (another repository) or unknown, because they hang on something
that no forge was asked at the time. Nothing is started, and nobody is asked.

  pullwright backtest --automations new/                  before a change
  pullwright backtest                                     what is in force, on what was decided then
  pullwright backtest --automations . --markdown          for a comment on a pull request
  pullwright backtest --automations . --fail-on lost      exit code 1 when a run is lost")]
    Backtest(BacktestArgs),
    /// Check this machine, the configuration, the secrets and the forges
    Doctor(DoctorArgs),
    /// The database: its tables, and copies of it
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
    /// Money spent and held back today
    #[command(after_help = "\
Per automation, repository and person, over the UTC day in which a run was admitted. A limit of
`none` means that no automation sets one; `budget:` in an automation does.")]
    Budgets,
    /// What is in force
    Automations {
        /// What to do with them.
        #[command(subcommand)]
        command: AutomationsCommand,
    },
    /// When schedules fire next, and what came of their last time
    #[command(args_conflicts_with_subcommands = true, after_help = automations::CRON)]
    Schedules {
        /// What else to do with them.
        #[command(subcommand)]
        command: Option<SchedulesCommand>,
        /// Which of them.
        #[command(flatten)]
        filter: ScheduleFilter,
    },
    /// Workers on other machines
    Workers {
        /// What to do with them.
        #[command(subcommand)]
        command: WorkersCommand,
    },
}

/// `doctor`
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct DoctorArgs {
    /// For which process [default: worker where `control_plane` is configured, else up]
    #[arg(value_enum)]
    pub role: Option<RoleName>,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Everything
    Up,
    /// Takes webhooks
    Ingress,
    /// Decides and writes
    Dispatcher,
    /// Runs commands
    Worker,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Up => Self::Up,
            RoleName::Ingress => Self::Ingress,
            RoleName::Dispatcher => Self::Dispatcher,
            RoleName::Worker => Self::Worker,
        }
    }
}

/// `check`
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct CheckArgs {
    /// Print the JSON Schema of automation files instead
    #[arg(long)]
    pub schema: bool,
}

/// `test`
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct TestArgs {
    /// Only the tests of these automations
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use serde_json::Value;

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
