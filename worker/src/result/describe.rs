//! The change in words for the report, read from trusted objects only.

use schemas::Untrusted;
use schemas::report::FileChange;

use crate::git::Printed;
use crate::redact::LineMask;

/// Bytes of unified diff that a report holds.
pub(super) const DIFF_CAP: usize = 64 << 10;

/// Reads what `git diff-tree --numstat -z` prints: `<added>\t<removed>\t<path>\0`, `-` for binary.
pub(super) fn files(numstat: &[u8]) -> Vec<FileChange> {
    let lines = numstat.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines
        .filter_map(|line| {
            let mut fields = line.splitn(3, |byte| *byte == b'\t');
            let (added, removed, path) = (fields.next()?, fields.next()?, fields.next()?);
            Some(FileChange { path: text(path), added: count(added), removed: count(removed) })
        })
        .collect()
}

/// The diff as masked text of whole lines, and whether some of it is missing.
pub(super) fn diff(printed: &Printed, mask: &mut LineMask<'_>) -> (String, bool) {
    let text = String::from_utf8_lossy(&printed.bytes);
    let mut diff = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n');
    for line in &mut lines {
        // A cut can leave half a line, and half a secret in it.
        let is_whole = line.ends_with('\n') || !printed.cut;
        let line = mask.mask(line);
        if !is_whole || diff.len() + line.len() > DIFF_CAP {
            return (diff, true);
        }
        diff.push_str(&line);
    }
    (diff, printed.cut)
}

fn text(bytes: &[u8]) -> Untrusted {
    Untrusted::new(String::from_utf8_lossy(bytes))
}

fn count(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}
