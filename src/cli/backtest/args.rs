//! `backtest` as clap reads it.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use schemas::automation::Span;
use serde::Deserialize;

/// `backtest`
#[derive(Debug, Clone, Args)]
pub struct BacktestArgs {
    /// How far back: `36h`, `7d`
    #[arg(long, default_value = "7d", value_name = "TIME")]
    pub since: Span,
    /// The automations to try [default: those in force]
    #[arg(long, value_name = "FOLDER")]
    pub automations: Option<PathBuf>,
    /// Print Markdown, for a comment on a pull request
    #[arg(long)]
    pub markdown: bool,
    /// End with exit code 1 when there is any of these
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CHANGES")]
    pub fail_on: Vec<Change>,
}

/// How a delivery is decided otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It starts a run, and did not
    Gained,
    /// It started a run, and does not
    Lost,
    /// Its run works in another repository
    Changed,
    /// It hangs on what was not asked at the time
    Unknown,
}

impl Change {
    /// In the order that they are told.
    pub const ALL: [Self; 4] = [Self::Gained, Self::Lost, Self::Changed, Self::Unknown];
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        })
    }
}
