//! How many files this process may have open: every connection is one.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises this process's limit of open files as far as the system allows without asking, and returns
/// it. Programs started afterwards inherit it.
///
/// # Errors
/// When the system refuses; the limit is then as it was.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// As many of `wanted` connections as half of the process's files allow: the other half is for
/// databases, children and other listeners.
pub(crate) fn connections_within(wanted: usize) -> usize {
    let Ok((files, _)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let allowed = usize::try_from(files / 2).unwrap_or(usize::MAX).max(1);
    if allowed < wanted {
        tracing::warn!(
            wanted,
            allowed,
            files,
            "fewer connections than configured: raise the limit of open files"
        );
    }
    wanted.min(allowed)
}
