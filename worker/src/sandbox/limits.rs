//! What a command may use, and who enforces it.
//!
//! With a cgroup v2 memory and processes are limited for the whole tree. Without one, memory is
//! limited for each process, processes still for the sandbox: the kernel counts `RLIMIT_NPROC` per
//! user namespace since Linux 5.14, if it is set inside. That is done by [`INIT`].

use std::fmt;
use std::io;
use std::path::PathBuf;

use nix::sys::resource::{Resource, getrlimit, rlim_t};

use super::Limits;

/// The sandbox's process 1: a shell that offers itself to the kernel's out-of-memory killer, lowers
/// the process limit, runs the command as its child and ends with its exit code. When it ends, the
/// kernel kills whatever else is left in the pid namespace.
///
/// `$1` command, `$2` working directory, `$3` processes. `ulimit` calls them `-u` in bash, `-p` in
/// dash and BusyBox. The trailing `exit` keeps the shell from becoming the command.
pub(super) const INIT: &str = r#"{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
ulimit -u "$3" 2>/dev/null || ulimit -p "$3" || exit 125
cd -- "$2" || exit 126
/bin/sh -c "$1"
exit $?"#;

/// Files a process may have open.
const OPEN_FILES: rlim_t = 65_536;

/// Who enforces memory and process limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitsInForce {
    /// A cgroup v2 per command below this folder: the whole tree shares its memory.
    Cgroup(PathBuf),
    /// Rlimits: each process has its own memory limit.
    Rlimits {
        /// Why there is no cgroup.
        because: String,
    },
}

impl fmt::Display for LimitsInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cgroup(parent) => {
                write!(f, "memory and processes of the whole tree, by cgroup v2 below {}", parent.display())
            }
            Self::Rlimits { because } => {
                write!(f, "memory of each process and processes of the sandbox, by rlimits ({because})")
            }
        }
    }
}

/// Rlimits to set before `bwrap` starts. None exceeds what the worker itself is allowed.
pub(super) fn rlimits(limits: &Limits, whole_tree: bool) -> io::Result<Vec<(Resource, rlim_t)>> {
    let mut wanted = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, limits.file_size),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
    ];
    if !whole_tree {
        // Not RLIMIT_AS: runtimes reserve far more addresses than they ever use.
        wanted.push((Resource::RLIMIT_DATA, limits.memory));
    }
    for (resource, value) in &mut wanted {
        let (_, hard) = getrlimit(*resource)?;
        *value = hard.min(*value);
    }
    Ok(wanted)
}

/// The number for `ulimit` inside.
pub(super) fn processes(limits: &Limits) -> io::Result<String> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NPROC)?;
    Ok(hard.min(limits.processes).to_string())
}
