//! The tree of the base commit, as the trusted mirror lists it.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Every path of the base.
#[derive(Debug, Default)]
pub(super) struct Base {
    entries: BTreeMap<Vec<u8>, BaseEntry>,
}

/// One path of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseEntry {
    /// Its mode in git's tree.
    pub(super) mode: BaseMode,
    /// The object's id, in hex.
    pub(super) oid: String,
}

/// The modes that git knows for what is not a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseMode {
    /// A file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symlink.
    Link,
    /// A submodule's commit.
    Gitlink,
}

/// A listing that git would not print.
#[derive(Debug, thiserror::Error)]
#[error("the listing of the base tree could not be read")]
pub struct UnreadableTree;

impl Base {
    /// Reads what `git ls-tree -r -z` prints: `<mode> <type> <oid>\t<path>\0`.
    pub(super) fn parse(listing: &[u8]) -> Result<Self, UnreadableTree> {
        let lines = listing.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let entries = lines.map(|line| parse_line(line).ok_or(UnreadableTree)).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&BaseEntry> {
        self.entries.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &BaseEntry)> {
        self.entries.iter().map(|(path, entry)| (path.as_slice(), entry))
    }

    /// What lies below the folder `path`.
    pub(super) fn below(&self, path: &[u8]) -> impl Iterator<Item = &BaseEntry> {
        let mut prefix = path.to_vec();
        prefix.push(b'/');
        let from = (Bound::Included(prefix.clone()), Bound::Unbounded);
        self.entries
            .range(from)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(_, entry)| entry)
    }
}

fn parse_line(line: &[u8]) -> Option<(Vec<u8>, BaseEntry)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (head, path) = (line.get(..tab)?, line.get(tab + 1..)?);
    let mut fields = std::str::from_utf8(head).ok()?.split(' ');
    let (mode, _, oid) = (fields.next()?, fields.next()?, fields.next()?);
    let mode = match mode {
        "100755" => BaseMode::Executable,
        "120000" => BaseMode::Link,
        "160000" => BaseMode::Gitlink,
        // 100664 is in some old histories.
        _ if mode.starts_with("100") => BaseMode::File,
        _ => return None,
    };
    Some((path.to_vec(), BaseEntry { mode, oid: oid.to_owned() }))
}
