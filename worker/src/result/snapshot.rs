//! How the workspace looked right after the checkout, so that untouched files need no reading.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::tree::{Kind, Stamp, Tree};

/// The look of every file that can be told from any later one.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    stamps: HashMap<Vec<u8>, Stamp>,
}

impl Snapshot {
    /// Looks at every file of `workspace`; `marker` is a new file on the same disk.
    pub(crate) fn take(workspace: &Path, marker: &Path) -> io::Result<Self> {
        let tree = Tree::open(workspace)?;
        let mut stamps = HashMap::new();
        let mut folders = vec![Vec::new()];
        while let Some(folder) = folders.pop() {
            for entry in tree.list(&folder)? {
                let path = join(&folder, &entry.name);
                match entry.kind {
                    Kind::Folder if path != b".git" => folders.push(path),
                    Kind::File | Kind::Link => {
                        stamps.insert(path, entry.stamp);
                    }
                    Kind::Folder | Kind::Other => {}
                }
            }
        }
        // A disk's clock ticks in milliseconds: a write within the tick of the checkout would leave
        // the same time. Whatever changes from now on is not older than this file.
        let now = File::create_new(marker)?.metadata()?;
        stamps.retain(|_, stamp| stamp.changed < (now.ctime(), now.ctime_nsec()));
        Ok(Self { stamps })
    }

    /// Whether `path` certainly has the content it was checked out with.
    pub(super) fn is_untouched(&self, path: &[u8], now: &Stamp) -> bool {
        self.stamps.get(path) == Some(now)
    }
}

/// `folder/name`; the root is empty.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
