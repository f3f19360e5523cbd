//! What crosses into `bwrap`: its options, NUL-separated, and the files it reads them from.
//!
//! Options travel in a file without a name, because a command line can be read by every user of
//! the machine and an environment value may be private.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// Options for `bwrap --args`.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments(Vec<u8>);

impl Arguments {
    /// Adds an option and its operands. A NUL would start another option, so it is refused.
    pub(super) fn add<const N: usize>(&mut self, words: [&OsStr; N]) -> io::Result<()> {
        for word in words {
            if word.as_bytes().contains(&0) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a NUL in a sandbox argument"));
            }
            self.0.extend_from_slice(word.as_bytes());
            self.0.push(0);
        }
        Ok(())
    }

    /// Adds an option whose words are ours.
    pub(super) fn own<const N: usize>(&mut self, words: [&str; N]) -> io::Result<()> {
        self.add(words.map(OsStr::new))
    }

    /// Adds everything in `other`.
    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Files that `bwrap` inherits; nothing else is inherited, see `launch`.
#[derive(Debug, Default)]
pub(super) struct Inherited(Vec<OwnedFd>);

impl Inherited {
    /// Adds `fd` and returns its number as an operand.
    pub(super) fn add(&mut self, fd: OwnedFd) -> String {
        let number = fd.as_raw_fd().to_string();
        self.0.push(fd);
        number
    }

    /// Adds a file without a name that holds `content`, to be read from its start.
    pub(super) fn content(&mut self, content: &[u8]) -> io::Result<String> {
        let mut file = File::from(memfd_create(c"sandbox", MFdFlags::MFD_CLOEXEC)?);
        file.write_all(content)?;
        file.rewind()?;
        Ok(self.add(file.into()))
    }

    pub(super) fn as_slice(&self) -> &[OwnedFd] {
        &self.0
    }
}
