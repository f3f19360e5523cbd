//! `pullwright runs …`

use clap::{Subcommand, ValueEnum};
use schemas::RunId;

use super::Page;

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
    /// Agree to a run that waits for approval
    #[command(after_help = "\
Without --inputs it shows what the run would be given, and the code of it. With the code the run
goes on, if what it would be given is still what was shown.

  pullwright runs approve ID
  pullwright runs approve ID --inputs 1f2e3d4c

People can do the same in a comment on the item: /agent approve 1f2e3d4c. Exit code 1 when nothing
was approved.")]
    Approve {
        /// Its id, as the list prints it
        id: RunId,
        /// The code of what it would be given: eight digits, or the whole hash
        #[arg(long, value_name = "CODE")]
        inputs: Option<String>,
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
