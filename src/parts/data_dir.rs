//! The data folder: private, and one process's at a time.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// An open data folder; its lock is held until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens the folder at `path`, making it if there is none.
    ///
    /// # Errors
    /// When it cannot be made or written, or another process has it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        // Others may pass through (the sandbox's user reaches its room), but not look around.
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(path)
            .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("cannot write in the data folder {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => {
                bail!("another process uses {}; stop it, or give this one its own `data_dir`", path.display())
            }
            Err(std::fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock the data folder {}", path.display()))
            }
        }
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The 32 secret bytes in file `name`, as hex; made from `fresh` when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn secret(&self, name: &str, fresh: impl FnOnce() -> [u8; 32]) -> anyhow::Result<String> {
        let path = self.path.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= 32 => return Ok(text.trim().to_owned()),
            Ok(_) => bail!("{} is too short to be a secret; remove it to get a new one", path.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        let text: String = fresh().iter().map(|byte| format!("{byte:02x}")).collect();
        let cannot = || format!("cannot write {}", path.display());
        // Whole or not at all: half a secret, left by a crash, would keep the next start from starting.
        let begun = self.path.join(format!("{name}.new"));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&begun)
            .with_context(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)?;
        std::fs::rename(&begun, &path).with_context(cannot)?;
        Ok(text)
    }
}
