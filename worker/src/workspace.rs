//! The folder of one run: the workspace and what lies beside it.
//!
//! ```text
//! runs/<run>-<epoch>/workspace/   the checkout, writable in the sandbox
//!                   /home/        $HOME, writable in the sandbox
//!                   /event/       the event's data files, read-only in the sandbox
//!                   /result.git/  what becomes of it; never in the sandbox
//! ```

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, lchown};
use std::path::{Path, PathBuf};

use schemas::control::Job;

use crate::git::skeleton;
use crate::mirror::Mirror;
use crate::remove;
use crate::result::Snapshot;
use crate::sandbox::Room;

/// A run's folder. It stays until [`RunFolder::remove`]; what a crash leaves goes at the next start.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// The folder of `job` below `runs`; nothing is made yet.
    pub(crate) fn of(runs: &Path, job: &Job) -> Self {
        Self { root: runs.join(format!("{}-{}", job.run, job.epoch)) }
    }

    /// Makes it: all but the files of the checkout. `shared` when the sandbox is another user.
    pub(crate) fn lay_out(&self, job: &Job, mirror: &Mirror, shared: bool) -> io::Result<()> {
        // Another user has to pass through; nobody has to look.
        DirBuilder::new().mode(if shared { 0o711 } else { 0o700 }).create(&self.root)?;
        for path in [self.workspace(), self.home(), self.event()] {
            DirBuilder::new().mode(0o755).create(path)?;
        }
        for file in &job.files {
            if !is_plain_name(&file.name) {
                let message = format!("`{}` is not a name for a data file", file.name.escape_debug());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            fs::write(self.event().join(&file.name), file.content.expose())?;
        }
        skeleton::workspace(&self.workspace().join(".git"), &mirror.objects(), &job.base)
    }

    /// Gives the checked out files to the sandbox's user, and remembers how they look.
    pub(crate) fn hand_over(&self, owner: Option<(u32, u32)>) -> io::Result<Snapshot> {
        if let Some(owner) = owner {
            for path in [self.workspace(), self.home(), self.event()] {
                give(&path, owner)?;
            }
        }
        Snapshot::take(&self.workspace(), &self.root.join("snapshot"))
    }

    /// What the sandbox sees of it.
    pub(crate) fn room(&self, mirror: &Mirror) -> Room {
        Room {
            workspace: self.workspace(),
            home: self.home(),
            data: self.event(),
            read_only: vec![mirror.objects()],
        }
    }

    /// The checkout.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.root.join("workspace")
    }

    /// The trusted repository that the result is imported to.
    pub(crate) fn result_git(&self) -> PathBuf {
        self.root.join("result.git")
    }

    /// The stream that the result is imported from.
    pub(crate) fn import_stream(&self) -> PathBuf {
        self.root.join("import")
    }

    /// The repository that an earlier worker's result is unpacked in, until it has been checked.
    pub(crate) fn kept_git(&self) -> PathBuf {
        self.root.join("kept.git")
    }

    /// The git bundle of that result.
    pub(crate) fn kept_bundle(&self) -> PathBuf {
        self.root.join("kept.bundle")
    }

    /// Removes it all, whatever the sandbox made of it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match remove::tree(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    fn event(&self) -> PathBuf {
        self.root.join("event")
    }
}

/// Letters, digits, `.`, `_`, `-`, and not a name of the file system's own.
fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Changes the owner of a tree that no sandbox has seen yet.
fn give(root: &Path, (user, group): (u32, u32)) -> io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        lchown(&folder, Some(user), Some(group))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                lchown(entry.path(), Some(user), Some(group))?;
            }
        }
    }
    Ok(())
}
