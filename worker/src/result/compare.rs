//! The workspace against the base: what was added, changed and deleted.

use std::collections::HashSet;
use std::io::Read;

use sha1::{Digest, Sha1};

use super::ResultError;
use super::base::{Base, BaseEntry, BaseMode};
use super::guard::{Guard, MAX_FILE, refused, show};
use super::ignored::Rules;
use super::snapshot::{Snapshot, join};
use super::stream::{Content, Stream};
use super::tree::{Entry, Kind, Tree};

/// A workspace with more names than this is not a source tree.
const MAX_ENTRIES: usize = 2_000_000;
/// A `.gitignore` that is longer is not read.
const MAX_IGNORE_FILE: u64 = 1 << 20;

/// One comparison on its way.
pub(super) struct Comparison<'a> {
    /// What the sandbox left.
    pub(super) tree: &'a Tree,
    /// What it started from.
    pub(super) base: &'a Base,
    /// What need not be read again.
    pub(super) snapshot: &'a Snapshot,
    /// What may be in it.
    pub(super) guard: Guard,
    /// Where changes go.
    pub(super) stream: Stream,
}

/// A folder to look at.
struct Visit {
    path: Vec<u8>,
    rules: Rules,
    ignored: bool,
}

impl Comparison<'_> {
    /// Walks the whole workspace; the stream then holds every change.
    pub(super) fn run(mut self) -> Result<Stream, ResultError> {
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        let mut entries = 0usize;
        let mut visits = vec![Visit { path: Vec::new(), rules: Rules::default(), ignored: false }];
        while let Some(visit) = visits.pop() {
            let listed = self.tree.list(&visit.path)?;
            entries += listed.len();
            if entries > MAX_ENTRIES {
                return Err(refused(format!("the workspace holds more than {MAX_ENTRIES} files")));
            }
            let rules = self.rules_in(&visit, &listed)?;
            for entry in listed {
                let path = join(&visit.path, &entry.name);
                if path == b".git" {
                    continue;
                }
                let known = self.base.get(&path);
                if known.is_some_and(|known| known.mode == BaseMode::Gitlink) {
                    continue;
                }
                let ignored = visit.ignored || rules.ignores(&path, entry.kind == Kind::Folder);
                match entry.kind {
                    Kind::Folder if ignored && self.base.below(&path).next().is_none() => {}
                    Kind::Folder => {
                        self.enter(&path, &entry)?;
                        visits.push(Visit { path, rules: rules.clone(), ignored });
                    }
                    _ if known.is_none() && (ignored || entry.kind == Kind::Other) => {}
                    _ => {
                        self.compare(&path, &entry, known)?;
                        if known.is_some() {
                            seen.insert(path);
                        }
                    }
                }
            }
        }
        if seen.is_empty() && self.guard.files() == 0 && self.base.iter().next().is_some() {
            return Err(refused("every file of the repository is gone".to_owned()));
        }
        for (path, known) in self.base.iter() {
            if known.mode != BaseMode::Gitlink && !seen.contains(path) {
                self.guard.admit(path, 0)?;
                self.stream.delete(path);
            }
        }
        Ok(self.stream)
    }

    /// The ignore rules inside a folder.
    fn rules_in(&self, visit: &Visit, listed: &[Entry]) -> Result<Rules, ResultError> {
        let file = listed.iter().find(|e| e.name == b".gitignore" && e.kind == Kind::File);
        let Some(file) = file.filter(|_| !visit.ignored) else { return Ok(visit.rules.clone()) };
        let path = join(&visit.path, b".gitignore");
        self.tree.unlock(&path, &file.stamp, 0o400)?;
        Ok(match self.tree.read(&path, MAX_IGNORE_FILE)? {
            Some(content) => visit.rules.with_file(&visit.path, &content),
            None => visit.rules.clone(),
        })
    }

    /// Makes sure that a folder can be looked into; a path too long to open is judged here.
    fn enter(&self, path: &[u8], entry: &Entry) -> Result<(), ResultError> {
        self.guard.admit_length(path)?;
        Ok(self.tree.unlock(path, &entry.stamp, 0o700)?)
    }

    /// Puts one path into the stream if it differs from the base.
    fn compare(&mut self, path: &[u8], entry: &Entry, known: Option<&BaseEntry>) -> Result<(), ResultError> {
        if known.is_some() && self.snapshot.is_untouched(path, &entry.stamp) {
            return Ok(());
        }
        let mode = match entry.kind {
            Kind::File if entry.stamp.is_executable() => BaseMode::Executable,
            Kind::File => BaseMode::File,
            Kind::Link => BaseMode::Link,
            Kind::Folder | Kind::Other => {
                return Err(refused(format!("`{}` is neither a file nor a symlink now", show(path))));
            }
        };
        let Some(content) = self.content(path, entry, known)? else {
            if known.is_some_and(|known| known.mode == mode) {
                return Ok(());
            }
            return self.change(path, mode, None);
        };
        if mode == BaseMode::Link {
            self.guard.admit_link(path, &content)?;
        }
        self.change(path, mode, Some(&content))
    }

    /// The new content of a path; `None` when it is the base's.
    fn content(
        &self,
        path: &[u8],
        entry: &Entry,
        known: Option<&BaseEntry>,
    ) -> Result<Option<Vec<u8>>, ResultError> {
        // The same bytes mean another thing in a file than in a symlink.
        let same_kind = known.filter(|known| (known.mode == BaseMode::Link) == (entry.kind == Kind::Link));
        if entry.kind == Kind::Link {
            let target = self.tree.link_target(path)?;
            let same = same_kind.is_some_and(|known| known.oid == hex::encode(blob_id(&target)));
            return Ok(if same { None } else { Some(target) });
        }
        self.guard.admit_length(path)?;
        self.tree.unlock(path, &entry.stamp, 0o400)?;
        if entry.stamp.size > MAX_FILE {
            return match same_kind {
                Some(known) if self.large_blob_id(path, entry.stamp.size)? == known.oid => Ok(None),
                _ => Err(refused(format!("`{}` is larger than {} MiB", show(path), MAX_FILE >> 20))),
            };
        }
        let content = self.tree.read(path, MAX_FILE)?;
        let content = content.ok_or_else(|| refused(format!("`{}` grows while it is read", show(path))))?;
        let same = same_kind.is_some_and(|known| known.oid == hex::encode(blob_id(&content)));
        Ok(if same { None } else { Some(content) })
    }

    /// Hashes a file that the base has as well, without holding it.
    fn large_blob_id(&self, path: &[u8], size: u64) -> Result<String, ResultError> {
        let mut hash = Sha1::new();
        hash.update(format!("blob {size}\0"));
        let mut file = self.tree.file(path)?.take(size);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex::encode(hash.finalize())),
                count => hash.update(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    fn change(&mut self, path: &[u8], mode: BaseMode, content: Option<&[u8]>) -> Result<(), ResultError> {
        self.guard.admit_name(path)?;
        self.guard.admit(path, content.map_or(0, |content| content.len() as u64))?;
        if self.base.below(path).any(|known| known.mode == BaseMode::Gitlink) {
            return Err(refused(format!("`{}` replaces a folder that holds a submodule", show(path))));
        }
        let content = match (content, self.base.get(path)) {
            (Some(content), _) => self.stream.blob(content)?,
            (None, Some(known)) => Content::Existing(known.oid.clone()),
            (None, None) => return Ok(()),
        };
        self.stream.modify(path, mode, content);
        Ok(())
    }
}

/// Git's id for a file's content: SHA-1 over a header and the bytes.
fn blob_id(content: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(content);
    hash.finalize().into()
}
