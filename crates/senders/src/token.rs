//! Secrets that are sent in clear.
//!
//! Compared by their hashes, so that the time it takes tells neither a prefix nor a length.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::EmptySecret;

/// The secrets of one webhook; several while one replaces another.
pub(crate) struct Tokens(Vec<Vec<u8>>);

impl Tokens {
    /// Refuses none at all, and one that is empty or blank. Line breaks are left out, as no header
    /// can hold one: a secret from a file often ends in one.
    pub(crate) fn new(tokens: Vec<Vec<u8>>) -> Result<Self, EmptySecret> {
        let in_a_header = |token: Vec<u8>| -> Vec<u8> {
            let one_line: Vec<u8> = token.into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            one_line.trim_ascii().to_vec()
        };
        let tokens: Vec<_> = tokens.into_iter().map(in_a_header).collect();
        if tokens.is_empty() || tokens.iter().any(Vec::is_empty) {
            Err(EmptySecret)
        } else {
            Ok(Self(tokens))
        }
    }

    pub(crate) fn holds(&self, given: &[u8]) -> bool {
        let given = Sha256::digest(given);
        self.0.iter().any(|token| Sha256::digest(token).as_slice().ct_eq(given.as_slice()).into())
    }

    /// What a sender would send.
    pub(crate) fn first(&self) -> String {
        self.0.first().map(|token| String::from_utf8_lossy(token).into_owned()).unwrap_or_default()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}
