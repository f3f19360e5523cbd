//! A folder that a sandbox filled, seen as data: nothing is executed and no symlink is followed.
//!
//! Every path is resolved by `openat2(2)` beneath the folder with symlinks forbidden on the whole
//! way, so not even an exchange of a folder for a link between two looks leads outside.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmodat, fstatat};

/// An open folder.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
}

/// One name in a folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its last part.
    pub(super) name: Vec<u8>,
    /// What it is.
    pub(super) kind: Kind,
    /// How it looks.
    pub(super) stamp: Stamp,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A symlink.
    Link,
    /// A folder.
    Folder,
    /// A socket, pipe or device.
    Other,
}

/// Everything that changes when a file is written; `ctime` cannot be set by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) inode: u64,
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) modified: (i64, i64),
    pub(super) changed: (i64, i64),
}

impl Stamp {
    /// Whether its owner may execute it, which is the one permission that git keeps.
    pub(super) fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }

    pub(super) fn of(stat: &FileStat) -> Self {
        Self {
            inode: stat.st_ino,
            mode: stat.st_mode,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

impl Tree {
    /// Opens `root`, a folder of ours.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self { root: open(root, flags, Mode::empty())? })
    }

    /// What the folder `path` (empty for the root) holds, sorted by name.
    pub(super) fn list(&self, path: &[u8]) -> io::Result<Vec<Entry>> {
        let folder = self.resolve(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        let mut names: Vec<CString> = Vec::new();
        for entry in Dir::from_fd(folder.try_clone()?)?.iter() {
            let name = entry?.file_name().to_owned();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(name);
            }
        }
        names.sort_unstable();
        let look = |name: CString| -> io::Result<Entry> {
            let stat = fstatat(&folder, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
            let format = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
            let kind = match format {
                SFlag::S_IFREG => Kind::File,
                SFlag::S_IFLNK => Kind::Link,
                SFlag::S_IFDIR => Kind::Folder,
                _ => Kind::Other,
            };
            Ok(Entry { name: name.into_bytes(), kind, stamp: Stamp::of(&stat) })
        };
        names.into_iter().map(look).collect()
    }

    /// Opens the regular file `path`.
    pub(super) fn file(&self, path: &[u8]) -> io::Result<File> {
        // Non-blocking, or a pipe put in its place would never open.
        let file = File::from(self.resolve(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("a file turned into something else while it was read"))
        }
    }

    /// The content of `path`; `None` when it is longer than `cap`.
    pub(super) fn read(&self, path: &[u8], cap: u64) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        self.file(path)?.take(cap.saturating_add(1)).read_to_end(&mut content)?;
        Ok(if content.len() as u64 > cap { None } else { Some(content) })
    }

    /// Where the symlink `path` points to.
    pub(super) fn link_target(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let link = self.resolve(path, OFlag::O_PATH)?;
        Ok(readlinkat(&link, "")?.into_vec())
    }

    /// Gives the owner back the bits in `wanted` that the sandbox took away.
    pub(super) fn unlock(&self, path: &[u8], stamp: &Stamp, wanted: u32) -> io::Result<()> {
        let mode = stamp.mode & 0o7777;
        if mode & wanted == wanted {
            return Ok(());
        }
        let mode = Mode::from_bits_truncate(mode | wanted);
        Ok(fchmodat(&self.root, OsStr::from_bytes(path), mode, FchmodatFlags::NoFollowSymlink)?)
    }

    fn resolve(&self, path: &[u8], flags: OFlag) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(path) };
        let how = OpenHow::new()
            .flags(flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
        Ok(openat2(&self.root, path, how)?)
    }
}
