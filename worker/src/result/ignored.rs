//! `.gitignore` as git reads it: one file per folder, the deepest that has a say wins.
//!
//! The files come from the workspace, so they are data of the sandbox: they can only keep its own
//! new files out of the result, never a file that the base has.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The rules that hold in one folder: its own and, behind them, its parents'.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    innermost: Option<Arc<Level>>,
}

#[derive(Debug)]
struct Level {
    rules: Gitignore,
    outer: Rules,
}

impl Rules {
    /// The rules inside `folder`, whose `.gitignore` holds `content`.
    pub(super) fn with_file(&self, folder: &[u8], content: &[u8]) -> Self {
        let mut builder = GitignoreBuilder::new(rooted(folder));
        for line in String::from_utf8_lossy(content).trim_start_matches('\u{feff}').lines() {
            // Git skips a pattern that it cannot read, too.
            let _ = builder.add_line(None, line);
        }
        match builder.build() {
            Ok(rules) => Self { innermost: Some(Arc::new(Level { rules, outer: self.clone() })) },
            Err(_) => self.clone(),
        }
    }

    /// Whether `path` itself is ignored; its folders are the caller's to ask about.
    pub(super) fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let path = rooted(path);
        let mut rules = self;
        while let Some(level) = &rules.innermost {
            match level.rules.matched(&path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = &level.outer,
            }
        }
        false
    }
}

/// The crate strips a pattern's root from a path only where both are absolute.
fn rooted(path: &[u8]) -> PathBuf {
    Path::new("/").join(OsStr::from_bytes(path))
}
