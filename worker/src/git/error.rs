//! What went wrong in git, read from its messages (`LC_ALL=C` keeps them stable).

use std::io;
use std::time::Duration;

use schemas::control::GitAccess;

/// Messages longer than this are cut.
const SHOWN: usize = 300;

/// Why a git call failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program is missing or may not run.
    #[error("git could not be started")]
    Start(#[source] io::Error),
    /// Its pipes broke.
    #[error("git's output could not be read")]
    Io(#[source] io::Error),
    /// It was killed.
    #[error("git took longer than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// 404 from the gate.
    #[error("the repository does not exist, or is not shown to the connection")]
    NotFound,
    /// 401 or 403 from the gate.
    #[error("the connection's credential was refused")]
    Refused,
    /// 409 from the gate: the epoch is stale.
    #[error("the run belongs to somebody else now")]
    Fenced,
    /// The branch is not there.
    #[error("the repository has no such branch")]
    BranchMissing,
    /// The other side names its objects by SHA-256.
    #[error("the repository names its objects by SHA-256; only SHA-1 repositories are supported")]
    ObjectFormat,
    /// No answer, 429 or 5xx: try again.
    #[error("the git gate does not answer: {0}")]
    Unavailable(String),
    /// The push was refused.
    #[error("the push was refused: {0}")]
    Rejected(String),
    /// Anything else.
    #[error("git failed: {0}")]
    Failed(String),
}

impl GitError {
    /// Reads what git said; the gate's address is the control plane's own affair and taken out.
    pub(super) fn from_messages(stderr: &str, stdout: &[u8], access: Option<&GitAccess>) -> Self {
        let text = match access {
            Some(access) => stderr.replace(&access.url, "the git gate").replace(&access.token, "…"),
            None => stderr.to_owned(),
        };
        let says = |part: &str| text.contains(part);
        if let Some(rejected) = rejection(&String::from_utf8_lossy(stdout)) {
            return Self::Rejected(shorten(&rejected));
        }
        if says("couldn't find remote ref") {
            Self::BranchMissing
        } else if says("mismatched algorithms") || says("the receiving end does not support") {
            Self::ObjectFormat
        } else if says("error: 404") || says("' not found") {
            Self::NotFound
        } else if says("error: 401")
            || says("error: 403")
            || says("could not read Username")
            || says("Authentication failed")
        {
            Self::Refused
        } else if says("error: 409") {
            Self::Fenced
        } else if ["error: 429", "error: 5", "unable to access", "RPC failed", "early EOF", "hung up"]
            .iter()
            .any(|part| says(part))
        {
            Self::Unavailable(shorten(&text))
        } else {
            Self::Failed(shorten(&text))
        }
    }

    /// Whether the same call may well succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TimedOut(_))
    }
}

/// The reason in a line of `git push --porcelain` that begins with `!`.
fn rejection(porcelain: &str) -> Option<String> {
    porcelain
        .lines()
        .find_map(|line| line.strip_prefix("!\t")?.split_once('\t').map(|(_, why)| why.to_owned()))
}

/// One line of it, without control characters.
fn shorten(text: &str) -> String {
    let line: String = text.trim().replace('\n', "; ").chars().filter(|c| !c.is_control()).collect();
    let mut short: String = line.chars().take(SHOWN).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
