//! Git directories written by hand: no `git init`, no template, and one process less per job.
//!
//! The layout is that of gitrepository-layout(5).

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use schemas::Oid;

/// Attributes of the highest rank: content is written and read byte for byte, whatever the
/// repository's own `.gitattributes` say, and LFS pointers stay pointers.
const ATTRIBUTES: &str = "* -text !eol -ident -filter -working-tree-encoding !diff !merge\n";

/// A bare repository; with `alternates` it borrows the objects of another.
pub(crate) fn bare(path: &Path, alternates: Option<&Path>) -> io::Result<()> {
    // Readable by the sandbox's user, who sees the mirror's objects; the folders above are closed.
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tsharedRepository = 0644\n";
    // What is only borrowed from lives as long as its run: no need to sync it to the disk.
    let fsync = if alternates.is_some() { "\tfsync = none\n" } else { "" };
    lay_out(path, &format!("{config}{fsync}"), alternates)?;
    // Last, because a directory without HEAD is no repository: a half-made one is made again.
    fs::write(path.join("HEAD"), "ref: refs/heads/result\n")
}

/// The `.git` of a workspace, detached at `base`.
pub(crate) fn workspace(path: &Path, alternates: &Path, base: &Oid) -> io::Result<()> {
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfilemode = true\n\tlogallrefupdates = true\n\tfsync = none\n";
    lay_out(path, config, Some(alternates))?;
    fs::write(path.join("HEAD"), format!("{base}\n"))
}

/// Whether `path` was laid out to its end.
pub(crate) fn is_complete(path: &Path) -> bool {
    path.join("HEAD").is_file()
}

fn lay_out(path: &Path, config: &str, alternates: Option<&Path>) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o755);
    for folder in ["objects/info", "objects/pack", "refs/heads", "info"] {
        builder.create(path.join(folder))?;
    }
    fs::write(path.join("config"), config)?;
    fs::write(path.join("info/attributes"), ATTRIBUTES)?;
    if let Some(objects) = alternates {
        use std::os::unix::ffi::OsStrExt;
        let mut line = objects.as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        fs::write(path.join("objects/info/alternates"), line)?;
    }
    Ok(())
}
