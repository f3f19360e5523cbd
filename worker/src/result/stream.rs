//! The result as a `git fast-import` stream (git-fast-import(1)): blobs first, one commit last.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use schemas::Oid;
use schemas::control::CommitMeta;

use super::base::BaseMode;

/// The ref that the commit is imported to.
pub(super) const RESULT_REF: &str = "refs/heads/result";

/// A stream that is being written.
#[derive(Debug)]
pub(super) struct Stream {
    file: BufWriter<File>,
    marks: u64,
    deleted: Vec<Vec<u8>>,
    modified: Vec<(Vec<u8>, BaseMode, Content)>,
}

/// Where the content of a path is.
#[derive(Debug)]
pub(super) enum Content {
    /// In this stream.
    Mark(u64),
    /// In the base.
    Existing(String),
}

impl Stream {
    /// A stream in the new file `path`.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 16, File::create_new(path)?);
        Ok(Self { file, marks: 0, deleted: Vec::new(), modified: Vec::new() })
    }

    /// Adds content.
    pub(super) fn blob(&mut self, content: &[u8]) -> io::Result<Content> {
        self.marks += 1;
        write!(self.file, "blob\nmark :{}\ndata {}\n", self.marks, content.len())?;
        self.file.write_all(content)?;
        self.file.write_all(b"\n")?;
        Ok(Content::Mark(self.marks))
    }

    /// Deletes a path of the base.
    pub(super) fn delete(&mut self, path: &[u8]) {
        self.deleted.push(path.to_vec());
    }

    /// Adds or changes a path.
    pub(super) fn modify(&mut self, path: &[u8], mode: BaseMode, content: Content) {
        self.modified.push((path.to_vec(), mode, content));
    }

    /// Ends the stream with a commit on `base`; `false` when there is nothing to commit.
    pub(super) fn finish(mut self, base: &Oid, meta: &CommitMeta) -> io::Result<bool> {
        if self.deleted.is_empty() && self.modified.is_empty() {
            return Ok(false);
        }
        let message = message(meta);
        let person = person(meta);
        let file = &mut self.file;
        write!(file, "commit {RESULT_REF}\nmark :{}\n", self.marks + 1)?;
        write!(
            file,
            "author {person}\ncommitter {person}\ndata {}\n{message}\nfrom {base}\n",
            message.len()
        )?;
        // Deletions first: a folder may have become a file, or a file a folder.
        for path in &self.deleted {
            file.write_all(b"D ")?;
            write_path(file, path)?;
        }
        for (path, mode, content) in &self.modified {
            let mode = match mode {
                BaseMode::File => "100644",
                BaseMode::Executable => "100755",
                BaseMode::Link => "120000",
                BaseMode::Gitlink => "160000",
            };
            match content {
                Content::Mark(mark) => write!(file, "M {mode} :{mark} ")?,
                Content::Existing(oid) => write!(file, "M {mode} {oid} ")?,
            }
            write_path(file, path)?;
        }
        write!(file, "\nget-mark :{}\ndone\n", self.marks + 1)?;
        file.flush()?;
        Ok(true)
    }
}

/// Subject and body, as `git commit` lays them out.
fn message(meta: &CommitMeta) -> String {
    let subject = meta.subject.replace(['\n', '\r'], " ");
    match meta.body.trim() {
        "" => format!("{subject}\n"),
        body => format!("{subject}\n\n{body}\n"),
    }
}

/// `Name <address> seconds zone`; the characters that delimit it are taken out of it.
fn person(meta: &CommitMeta) -> String {
    let clean = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_control() && !matches!(c, '<' | '>'))
            .collect::<String>()
            .trim()
            .to_owned()
    };
    format!("{} <{}> {} +0000", clean(&meta.name), clean(&meta.email), meta.time.timestamp())
}

/// A path in quotes, with what would end them escaped; names with control characters never get here
/// as additions, but the base may have one that is deleted.
fn write_path(file: &mut impl Write, path: &[u8]) -> io::Result<()> {
    file.write_all(b"\"")?;
    for byte in path {
        match byte {
            b'"' | b'\\' => file.write_all(&[b'\\', *byte])?,
            0..0x20 | 0x7f => write!(file, "\\{byte:03o}")?,
            _ => file.write_all(&[*byte])?,
        }
    }
    file.write_all(b"\"\n")
}
