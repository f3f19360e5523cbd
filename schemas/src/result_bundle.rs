//! The result bundle: what a worker made of a run, kept by the control plane until it is published. A
//! successor of a lost worker pushes it, and nothing runs twice.
//!
//! One line of JSON, a [`Message`] of [`Made`], and after it a git bundle (gitformat-bundle(5)).

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::Oid;
use crate::report::{CommandReport, StepTime};
use crate::worker_api::{Message, VERSION};

/// The largest bundle, in bytes; what is larger is published without having been kept.
pub const LARGEST: usize = 64 << 20;

/// What a worker made of a run, beside the objects. What changed is not among it: that is read from
/// the objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The commit.
    pub head: Oid,
    /// The commit it stands on.
    pub base: Oid,
    /// Every command that ran, in order.
    pub commands: Vec<CommandReport>,
    /// How long each step took, in order.
    pub steps: Vec<StepTime>,
}

/// What a successor is told of a bundle that is kept for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptResult {
    /// The commit that it brings.
    pub head: Oid,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of all of it, in hex.
    pub sha256: String,
}

/// Why bytes are no bundle, or not the one that was kept.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not even a first line.
    #[error("the result bundle is cut short")]
    Short,
    /// The first line is none.
    #[error("the result bundle does not begin with what was made")]
    Malformed(#[from] serde_json::Error),
    /// It is of a later version.
    #[error("the result bundle is of version {0}, which is not known here")]
    Version(u32),
    /// Its size or digest is not what was noted.
    #[error("the result bundle is not the one that was kept")]
    Altered,
    /// It is another commit, or stands on another.
    #[error("the result bundle is about other commits")]
    Elsewhere,
    /// There is more of it than may be kept.
    #[error("the result bundle is larger than {} MiB", LARGEST >> 20)]
    Large,
}

/// The whole of it: `made`, and the git bundle with the objects.
///
/// # Errors
/// When it is larger than may be kept.
pub fn encode(made: &Made, git: &[u8]) -> Result<Bytes, BundleError> {
    let mut whole = serde_json::to_vec(&Message::new(made))?;
    whole.push(b'\n');
    if whole.len() + git.len() > LARGEST {
        return Err(BundleError::Large);
    }
    whole.extend_from_slice(git);
    Ok(whole.into())
}

/// What was made, and the git bundle with the objects, which nobody has looked into yet.
///
/// # Errors
/// When it is no bundle, or none of this version.
pub fn decode(whole: &Bytes) -> Result<(Made, Bytes), BundleError> {
    #[derive(Deserialize)]
    struct VersionOnly {
        version: u32,
    }
    let end = whole.iter().position(|byte| *byte == b'\n').ok_or(BundleError::Short)?;
    let line = whole.slice(..end);
    let VersionOnly { version } = serde_json::from_slice(&line)?;
    if version != VERSION {
        return Err(BundleError::Version(version));
    }
    let message: Message<Made> = serde_json::from_slice(&line)?;
    Ok((message.body, whole.slice(end + 1..)))
}

impl KeptResult {
    /// What is noted of a bundle that brings `head`.
    #[must_use]
    pub fn of(head: Oid, whole: &[u8]) -> Self {
        Self { head, bytes: whole.len() as u64, sha256: hex::encode(Sha256::digest(whole)) }
    }

    /// What was made on `base` and its git bundle, if these bytes are the ones that were kept.
    ///
    /// # Errors
    /// When they are not, or are about other commits.
    pub fn open(&self, base: &Oid, whole: &Bytes) -> Result<(Made, Bytes), BundleError> {
        if *self != Self::of(self.head.clone(), whole) {
            return Err(BundleError::Altered);
        }
        let (made, git) = decode(whole)?;
        if made.head != self.head || made.base != *base {
            return Err(BundleError::Elsewhere);
        }
        Ok((made, git))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: &str) -> Oid {
        digit.repeat(40).parse().unwrap()
    }

    fn made() -> Made {
        Made { head: oid("b"), base: oid("a"), commands: Vec::new(), steps: Vec::new() }
    }

    #[test]
    fn what_was_kept_is_what_comes_back() {
        let whole = encode(&made(), b"# v2 git bundle\n\nPACK\0\xff").unwrap();
        let kept = KeptResult::of(oid("b"), &whole);
        let (opened, git) = kept.open(&oid("a"), &whole).unwrap();
        assert_eq!((opened, &git[..]), (made(), &b"# v2 git bundle\n\nPACK\0\xff"[..]));
    }

    #[test]
    fn anything_else_is_refused() {
        let whole = encode(&made(), b"objects").unwrap();
        let kept = KeptResult::of(oid("b"), &whole);
        let mut other = whole.to_vec();
        *other.last_mut().unwrap() ^= 1;
        for altered in [other, whole[..whole.len() - 1].to_vec(), Vec::new()] {
            assert!(matches!(kept.open(&oid("a"), &altered.into()), Err(BundleError::Altered)));
        }
        assert!(matches!(kept.open(&oid("c"), &whole), Err(BundleError::Elsewhere)));
        let wrong = KeptResult { head: oid("d"), ..kept };
        assert!(matches!(wrong.open(&oid("a"), &whole), Err(BundleError::Elsewhere)));
        assert!(matches!(decode(&Bytes::from_static(b"{}")), Err(BundleError::Short)));
        assert!(matches!(decode(&Bytes::from_static(b"{}\n")), Err(BundleError::Malformed(_))));
        let later = Bytes::from_static(b"{\"version\":2,\"body\":7}\n");
        assert!(matches!(decode(&later), Err(BundleError::Version(2))));
        assert!(matches!(encode(&made(), &vec![0; LARGEST]), Err(BundleError::Large)));
    }
}
