//! The globs of an entry of `on:`, compiled when the automations are loaded.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use schemas::automation::Trigger;

/// `branches` and `paths` of one entry.
#[derive(Debug)]
pub struct EntryGlobs {
    branches: Option<Globs>,
    paths: Option<Globs>,
}

/// Globs of which one has to match; those with `!` exclude.
#[derive(Debug)]
struct Globs {
    include: GlobSet,
    exclude: GlobSet,
}

impl EntryGlobs {
    /// Compiles the globs of an entry.
    ///
    /// # Errors
    /// When one of them is no glob.
    pub fn new(entry: &Trigger) -> Result<Self, globset::Error> {
        Ok(Self { branches: Globs::new(&entry.branches)?, paths: Globs::new(&entry.paths)? })
    }

    /// Whether a branch will do.
    pub(super) fn take_branch(&self, branch: &str) -> bool {
        self.branches.as_ref().is_none_or(|globs| globs.take(branch))
    }

    /// Whether a changed file will do.
    pub(super) fn take_path(&self, path: &str) -> bool {
        self.paths.as_ref().is_none_or(|globs| globs.take(path))
    }
}

impl Globs {
    /// Nothing where there are none: of ten thousand automations few have any.
    fn new(patterns: &[String]) -> Result<Option<Self>, globset::Error> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let (mut include, mut exclude) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut only_excludes = true;
        for pattern in patterns {
            let (set, pattern) = match pattern.strip_prefix('!') {
                Some(pattern) => (&mut exclude, pattern),
                None => {
                    only_excludes = false;
                    (&mut include, pattern.as_str())
                }
            };
            set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
        }
        if only_excludes {
            include.add(GlobBuilder::new("**").build()?);
        }
        Ok(Some(Self { include: include.build()?, exclude: exclude.build()? }))
    }

    /// `*` stops at a slash, `**` does not.
    fn take(&self, name: &str) -> bool {
        self.include.is_match(name) && !self.exclude.is_match(name)
    }
}
