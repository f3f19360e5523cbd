//! Files that automations name: prompts and payloads, in the automations' folder and nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path};

use config::yaml::LARGEST;

/// Where the files lie that automations name.
pub(super) enum Beside<'a> {
    /// In the folder that the automations were read from.
    Folder(&'a Path),
    /// Among texts that were kept of such a folder: what decides or is used, no payloads.
    Texts(&'a BTreeMap<String, String>),
}

/// Why a file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// It lies elsewhere, by its name or by a symlink.
    #[error("`{0}` is not in the folder of the automations")]
    Outside(String),
    /// There is none.
    #[error("there is no file `{0}` in the folder of the automations")]
    Missing(String),
    /// It is larger than [`LARGEST`].
    #[error("`{0}` is larger than 1 MiB")]
    TooLarge(String),
    /// It is not UTF-8.
    #[error("`{0}` is no text in UTF-8")]
    NoText(String),
    /// The disk said no.
    #[error("`{0}` cannot be read: {1}")]
    Unreadable(String, io::Error),
}

impl FileProblem {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Outside(_) => "name it by its path below that folder, without `..`",
            Self::Missing(_) => "put it there; a path starts from that folder",
            Self::TooLarge(_) => "shorten it",
            Self::NoText(_) => "save it as UTF-8",
            Self::Unreadable(..) => "let Pullwright read it",
        }
    }
}

impl Beside<'_> {
    /// The text of a file that is used.
    pub(super) fn text(&self, path: &str) -> Result<String, FileProblem> {
        match self {
            Self::Folder(folder) => read_text(folder, path),
            Self::Texts(texts) => {
                texts.get(path).cloned().ok_or_else(|| FileProblem::Missing(path.to_owned()))
            }
        }
    }

    /// Why a test's payload cannot be read; where payloads are not kept, nothing is.
    pub(super) fn payload_problem(&self, path: &str) -> Option<FileProblem> {
        match self {
            Self::Folder(folder) => read_bytes(folder, path).err(),
            Self::Texts(_) => None,
        }
    }
}

/// Reads a text of the folder.
pub(super) fn read_text(folder: &Path, path: &str) -> Result<String, FileProblem> {
    String::from_utf8(read_bytes(folder, path)?).map_err(|_| FileProblem::NoText(path.to_owned()))
}

/// Reads a file of the folder that an automation names.
///
/// # Errors
/// When it lies elsewhere, is not there, is larger than 1 MiB or cannot be read.
pub fn read_bytes(folder: &Path, path: &str) -> Result<Vec<u8>, FileProblem> {
    let name = || path.to_owned();
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileProblem::Missing(name()),
        _ => FileProblem::Unreadable(name(), error),
    };
    let below = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !below {
        return Err(FileProblem::Outside(name()));
    }
    // Links are followed as long as they stay inside: a mounted folder may be made of them.
    let root = folder.canonicalize().map_err(unreadable)?;
    let file = root.join(path).canonicalize().map_err(unreadable)?;
    if !file.starts_with(&root) {
        return Err(FileProblem::Outside(name()));
    }
    if !file.is_file() {
        return Err(FileProblem::Missing(name()));
    }
    let mut bytes = Vec::new();
    let most = LARGEST as u64 + 1;
    fs::File::open(&file).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() > LARGEST { Err(FileProblem::TooLarge(name())) } else { Ok(bytes) }
}
