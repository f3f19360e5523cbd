//! What a result may not be: too large, in protected places, or a trap for whoever checks it out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{ResultError, names};

/// Files that one result may change.
const MAX_FILES: usize = 3_000;
/// Bytes of new content in one result.
const MAX_TOTAL: u64 = 100 << 20;
/// Bytes of one changed file; GitHub warns from 50 MiB on and refuses at 100 MiB.
pub(super) const MAX_FILE: u64 = 50 << 20;

/// Counts and judges the changes of one result.
#[derive(Debug)]
pub(super) struct Guard {
    protected: GlobSet,
    files: usize,
    total: u64,
}

impl Guard {
    /// A guard for a repository's `protected_paths`.
    pub(super) fn new(protected_paths: &[String]) -> Result<Self, ResultError> {
        let mut protected = GlobSetBuilder::new();
        for pattern in protected_paths {
            // A folder's name protects what is in it, as people expect.
            for pattern in [pattern.clone(), format!("{}/**", pattern.trim_end_matches('/'))] {
                let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
                protected.add(glob.map_err(|error| refused(format!("the protected path {error}")))?);
            }
        }
        let protected =
            protected.build().map_err(|error| refused(format!("the protected paths: {error}")))?;
        Ok(Self { protected, files: 0, total: 0 })
    }

    /// How many changed paths were judged so far.
    pub(super) fn files(&self) -> usize {
        self.files
    }

    /// Judges one changed path; a deletion adds no bytes.
    pub(super) fn admit(&mut self, path: &[u8], added_bytes: u64) -> Result<(), ResultError> {
        let shown = show(path);
        if self.protected.is_match(OsStr::from_bytes(path)) {
            return Err(refused(format!("`{shown}` is protected")));
        }
        if names::is_gitmodules(path) {
            return Err(refused(format!("`{shown}` defines submodules, which a run may not change")));
        }
        if added_bytes > MAX_FILE {
            return Err(refused(format!("`{shown}` is larger than {} MiB", MAX_FILE >> 20)));
        }
        self.files += 1;
        self.total = self.total.saturating_add(added_bytes);
        if self.files > MAX_FILES {
            return Err(refused(format!(
                "it changes more than {MAX_FILES} files; folders of build output belong in `.gitignore`"
            )));
        }
        if self.total > MAX_TOTAL {
            return Err(refused(format!("it adds more than {} MiB", MAX_TOTAL >> 20)));
        }
        Ok(())
    }

    /// Judges the name of a path that is new or changed.
    pub(super) fn admit_name(&self, path: &[u8]) -> Result<(), ResultError> {
        match names::objection(path) {
            Some(why) => Err(refused(format!("`{}`: {why}", show(path)))),
            None => Ok(()),
        }
    }

    /// Judges whether a path can be opened at all.
    pub(super) fn admit_length(&self, path: &[u8]) -> Result<(), ResultError> {
        match names::length_objection(path) {
            Some(why) => Err(refused(format!("`{}…`: {why}", show(path)))),
            None => Ok(()),
        }
    }

    /// Judges where a new or changed symlink points.
    pub(super) fn admit_link(&self, path: &[u8], target: &[u8]) -> Result<(), ResultError> {
        match names::link_objection(path, target) {
            Some(why) => Err(refused(format!("the symlink `{}`: {why}", show(path)))),
            None => Ok(()),
        }
    }
}

pub(super) fn refused(because: String) -> ResultError {
    ResultError::Refused(because)
}

/// A path for people: escaped, and short.
pub(super) fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path).chars().take(200).flat_map(char::escape_debug).collect()
}
