//! Globs over repositories: `github/acme/*`, `!github/acme/secrets`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use schemas::RepoRef;

/// The repositories that `repos:` names.
#[derive(Debug)]
pub(super) struct Globs {
    include: GlobSet,
    exclude: GlobSet,
    open: bool,
}

impl Globs {
    pub(super) fn new(patterns: &[String]) -> Result<Self, globset::Error> {
        let (mut include, mut exclude) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut open = true;
        for pattern in patterns {
            match pattern.strip_prefix('!') {
                Some(pattern) => exclude.add(repo_glob(pattern)?),
                None => {
                    open = false;
                    include.add(repo_glob(pattern)?)
                }
            };
        }
        Ok(Self { include: include.build()?, exclude: exclude.build()?, open })
    }

    pub(super) fn cover(&self, repo: &RepoRef) -> bool {
        let name = repo.to_string();
        (self.open || self.include.is_match(&name)) && !self.exclude.is_match(&name)
    }
}

/// A repository glob: `*` stops at a slash, `**` does not.
pub(super) fn repo_glob(pattern: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).build()
}
