//! What the operator may choose about the sandbox, and the check that the choice opens no door.

use std::io;
use std::path::{Path, PathBuf};

use super::SandboxError;

/// How [`super::Bubblewrap`] is set up.
#[derive(Debug, Clone)]
pub struct BubblewrapOptions {
    /// The `bwrap` to use; `None` searches `PATH`.
    pub program: Option<PathBuf>,
    /// The worker's own folder. It is never shown; the self-probe puts its room and canaries there.
    pub data_dir: PathBuf,
    /// More host folders, shown read-only at the same path: toolchains outside of `/usr`. Their
    /// `bin` folders (or they themselves) come first in `PATH`.
    pub toolchains: Vec<PathBuf>,
    /// The host's user and group id of sandboxed processes. Only root can choose; root's default
    /// is 65534. Any other user's sandboxes run as that user.
    pub run_as: Option<(u32, u32)>,
    /// The size of the sandbox's `/tmp` in bytes. It is memory.
    pub tmp_bytes: u64,
    /// A cgroup v2 folder that is delegated to this user, with the controllers `memory` and `pids`
    /// enabled for its children; `None` looks around the worker's own.
    pub cgroup: Option<PathBuf>,
}

impl BubblewrapOptions {
    /// The defaults for a worker that keeps its files in `data_dir`.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            program: None,
            data_dir: data_dir.into(),
            toolchains: Vec::new(),
            run_as: None,
            tmp_bytes: 1 << 30,
            cgroup: None,
        }
    }
}

/// Folders with other people's secrets or the machine's own doors: neither they nor what is above
/// them may be a toolchain.
const PRIVATE: [&str; 12] =
    ["/etc", "/root", "/home", "/var", "/run", "/proc", "/sys", "/dev", "/boot", "/tmp", "/mnt", "/srv"];

/// Of these not even a part may be a toolchain.
const CLOSED: [&str; 6] = ["/etc", "/run", "/proc", "/sys", "/dev", "/boot"];

/// Names in a home folder that hold credentials.
const CREDENTIALS: [&str; 14] = [
    ".ssh",
    ".aws",
    ".azure",
    ".config",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pypirc",
    "credentials",
    "credentials.toml",
];

/// A toolchain as `(real path, path it is shown at)`, if showing it is harmless.
pub(super) fn toolchain(path: &Path, data_dir: &Path) -> Result<(PathBuf, PathBuf), SandboxError> {
    let refuse = |why: String| SandboxError::Refused {
        message: format!("the toolchain folder {} cannot be shown in the sandbox: {why}", path.display()),
        remedy: "name the toolchain's own folder, one that holds programs and no credentials".to_owned(),
    };
    let io = |what: &Path, error: io::Error| refuse(format!("{}: {error}", what.display()));
    if !path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(refuse("the path has to be absolute and without `..`".to_owned()));
    }
    let real = path.canonicalize().map_err(|error| io(path, error))?;
    let data_dir = data_dir.canonicalize().map_err(|error| io(data_dir, error))?;
    if !real.is_dir() {
        return Err(refuse("it is not a folder".to_owned()));
    }
    // Both where it is and where it would appear, or a link could stand for the real thing.
    for place in [real.as_path(), path] {
        let covers = |private: &Path| private.starts_with(place);
        if let Some(private) = PRIVATE.iter().find(|private| covers(Path::new(private))) {
            return Err(refuse(format!("it contains {private}")));
        }
        if let Some(closed) = CLOSED.iter().find(|closed| place.starts_with(closed)) {
            return Err(refuse(format!("it lies in {closed}")));
        }
        if covers(&data_dir) || place.starts_with(&data_dir) {
            return Err(refuse("the worker's data_dir lies in it, or it in the data_dir".to_owned()));
        }
        if let Some(name) = place.iter().find_map(|part| CREDENTIALS.iter().find(|name| part == **name)) {
            return Err(refuse(format!("`{name}` is a place for credentials")));
        }
    }
    if let Some(home) = std::env::home_dir()
        && home.starts_with(&real)
    {
        return Err(refuse("the worker's home folder lies in it".to_owned()));
    }
    if let Some(name) = CREDENTIALS.iter().find(|name| real.join(name).exists()) {
        return Err(refuse(format!("it holds `{name}`, a place for credentials")));
    }
    Ok((real, path.to_owned()))
}
