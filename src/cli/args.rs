//! The command line as clap reads it. The help texts are the manual's short form.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use schemas::{DeliveryId, RunId};

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
    #[command(after_help = "\
  pullwright deliveries list --limit 10
  pullwright deliveries list --json | jq '.items[] | select(.decisions.denied)'")]
    List(Page),
    /// One delivery: headers, event, decisions, runs
    Show {
        /// Its id, as the list prints it
        id: DeliveryId,
    },
    /// What every automation made of a delivery, and why
    #[command(after_help = "\
Automations that listened to another kind of event are judged anew by the set that is in force
now; what was decided at the time is shown as it was.")]
    Explain {
        /// Its id, as the list prints it
        id: DeliveryId,
    },
}

/// `runs`
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The newest runs
    #[command(after_help = "\
  pullwright runs list --state active
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
    fn what_is_no_id_is_refused_here() {
        let error = Args::try_parse_from(["pullwright", "runs", "show", "../../healthz"]).unwrap_err();
        assert!(error.to_string().contains("is not an id as the lists print it"), "{error}");
    }
}
