//! What is asked about pull requests before something is decided.

use schemas::Oid;
use serde::{Deserialize, Serialize};

/// The most changed files that are read of one change; GitHub lists no more of a pull request.
pub const MOST_PATHS: usize = 3_000;

/// A change whose files are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeRange {
    /// All of a pull request, by its number.
    PullRequest(u64),
    /// What one commit has that another has not.
    Commits {
        /// Where it left: a commit or a branch.
        base: String,
        /// Its newest commit.
        head: Oid,
    },
}

/// A pull request as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestFacts {
    /// The branch that holds the change.
    pub head_ref: String,
    /// Its newest commit, where the forge says.
    pub head: Option<Oid>,
    /// The branch it goes to.
    pub base_ref: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether the change lies in another repository, or in one that is gone.
    pub fork: bool,
    /// Whether it is neither merged nor closed.
    pub open: bool,
    /// The login of who opened it.
    pub author: Option<String>,
}
