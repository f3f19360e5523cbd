//! The files of a folder as they are read, with the bounds on what is read.

use std::collections::BTreeMap;

use crate::ForgeError;

/// No folder that is read may hold more files.
const MOST_FILES: usize = 1_000;
/// Nor more bytes in all of them together.
const MOST_BYTES: usize = 4 << 20;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    files: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl Folder {
    /// Refuses a folder that holds too many files before any of them is read.
    pub(crate) fn admit(files: usize) -> Result<(), ForgeError> {
        if files > MOST_FILES { Err(too_large("1,000 files")) } else { Ok(()) }
    }

    pub(crate) fn add(&mut self, path: String, content: Vec<u8>) -> Result<(), ForgeError> {
        self.bytes += content.len();
        if self.bytes > MOST_BYTES {
            return Err(too_large("4 MiB"));
        }
        self.files.insert(path, content);
        Ok(())
    }

    pub(crate) fn files(self) -> BTreeMap<String, Vec<u8>> {
        self.files
    }
}

fn too_large(limit: &'static str) -> ForgeError {
    ForgeError::TooLarge { what: "the folder".to_owned(), limit }
}
