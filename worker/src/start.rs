//! The data folder at a worker's start: made, locked, and freed of what a crash left.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::remove;
use crate::{WorkerError, WorkerSettings};

const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The worker's folders; the lock on them lasts as long as this value.
#[derive(Debug)]
pub(crate) struct Folders {
    /// One folder per run.
    pub(crate) runs: PathBuf,
    /// One bare repository per repository.
    pub(crate) mirrors: PathBuf,
    /// Git's empty home.
    pub(crate) git_home: PathBuf,
    _lock: File,
}

/// Makes the folders and removes the runs of a predecessor.
///
/// # Errors
/// When the folder cannot be used, or another worker uses it.
pub(crate) async fn prepare(settings: &WorkerSettings) -> Result<Folders, WorkerError> {
    let (path, shared) = (settings.data_dir.clone(), settings.room_owner.is_some());
    let failed = |source| WorkerError::DataDir { path: settings.data_dir.clone(), source };
    let prepared = tokio::task::spawn_blocking(move || prepare_now(&path, shared)).await;
    match prepared.map_err(io::Error::other).map_err(failed)? {
        Ok(folders) => Ok(folders),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(WorkerError::DataDirInUse(settings.data_dir.clone()))
        }
        Err(error) => Err(failed(error)),
    }
}

fn prepare_now(data_dir: &Path, shared: bool) -> io::Result<Folders> {
    fs::create_dir_all(data_dir)?;
    // Absolute, because workspaces name their mirror's objects.
    let data_dir = data_dir.canonicalize()?;
    let lock = File::create(data_dir.join("worker.lock"))?;
    acquire(&lock)?;
    let folder = |name: &str, mode: u32| -> io::Result<PathBuf> {
        let path = data_dir.join(name);
        DirBuilder::new().recursive(true).mode(mode).create(&path)?;
        Ok(path)
    };
    // A sandbox of another user has to pass through; nobody has to look.
    let mode = if shared { 0o711 } else { 0o700 };
    let folders = Folders {
        runs: folder("runs", mode)?,
        mirrors: folder("mirrors", mode)?,
        git_home: folder("git-home", 0o700)?,
        _lock: lock,
    };
    for entry in fs::read_dir(&folders.runs)? {
        remove::tree(&entry?.path())?;
    }
    remove_broken_mirrors(&folders.mirrors)?;
    Ok(folders)
}

/// Takes the lock. A child of an ending process has it too, until it becomes another program, so a
/// worker that starts right after another one gets a second chance.
fn acquire(lock: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// Removes the mirrors that were set aside; nothing runs on them any more.
fn remove_broken_mirrors(mirrors: &Path) -> io::Result<()> {
    let mut folders = vec![mirrors.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
            match extension.as_deref() {
                Some(name) if name.starts_with("broken-") => remove::tree(&path)?,
                Some("git") => {}
                _ if path.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    Ok(())
}
