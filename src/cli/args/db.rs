//! `pullwright db …` as clap reads it.

use std::path::PathBuf;

use clap::Subcommand;

/// `db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Which changes of the tables were made, and which are pending
    #[command(after_help = "Exit code 1 when one is pending, or was made by a newer version.")]
    Status,
    /// Make the pending changes, all or none
    #[command(after_help = "\
Every start does this by itself; several that start together do it once. A database that a newer
version has changed is refused. Make a backup first.

To go back to an older version, stop Pullwright, let this version undo what that one does not know,
and start it:
  pullwright db migrate --to 20261127_000005_kept_results
Whatever only the newer version keeps is forgotten. `db status` of the older version says which are
`of a newer version`; the last one before them is the one to name.")]
    Migrate {
        /// Make or undo changes until this is the newest, while nothing runs
        #[arg(long, value_name = "MIGRATION")]
        to: Option<String>,
    },
    /// Write a copy of the database to a file, also while Pullwright runs
    #[command(after_help = "\
Of SQLite it is a database, of PostgreSQL an archive by pg_dump, which has to be installed. It holds
all that deliveries said: only this account may read it. Nothing is overwritten.")]
    Backup {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Go back to a copy, while nothing runs
    #[command(after_help = "\
The copy has to be of the same kind of database. PostgreSQL's is read by pg_restore, which has to be
installed. Deliveries that came since the copy are not known: redeliver them at the forge.")]
    Restore {
        /// The copy
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Give up what the database holds
        #[arg(long)]
        replace: bool,
    },
}
