//! Typed ids: mixing two kinds is a compile error.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Clock;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidId {
    /// What was given.
    pub text: String,
    /// What would be right.
    pub expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id, ordered by creation time.
            pub fn fresh(clock: &dyn Clock) -> Self {
                Self(clock.fresh_id())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId {
                    text: text.to_owned(),
                    expected: "an id as the lists print it",
                })
            }
        }
    };
}

uuid_id!(
    /// One HTTP request that a webhook accepted.
    DeliveryId
);
uuid_id!(
    /// One piece of work that an automation started.
    RunId
);
uuid_id!(
    /// One write to a forge, planned before it is made.
    IntentId
);
uuid_id!(
    /// An automation, whatever it is called.
    AutomationId
);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The bare text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name!(
    /// The name of a webhook in `pullwright.yaml`; the last part of its route.
    WebhookName
);
name!(
    /// The name of a connection in `pullwright.yaml`.
    ConnectionName
);
name!(
    /// The name of an automation; its id.
    AutomationName
);
name!(
    /// The name a worker enrolled with.
    WorkerName
);
name!(
    /// The name of a group of workers that take the same runs.
    Pool
);

impl Default for Pool {
    /// The pool of runs and workers that name none.
    fn default() -> Self {
        Self::from("default")
    }
}

/// Whether a text can be the name of a worker or a pool: a letter, then at most 62 of `a-z`, `0-9` and `-`.
#[must_use]
pub fn is_label(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

name!(
    /// What a piece of work is about, named by connection: `github:acme/api#12`.
    WorkItem
);

/// A repository, named by connection: `github/acme/api`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoRef {
    /// The connection it is reached through.
    pub connection: ConnectionName,
    /// The forge's own name for it: `acme/api`, or `group/sub/project`.
    pub path: String,
}

impl RepoRef {
    /// Names the repository `path` of `connection`.
    ///
    /// # Errors
    /// When `path` is not two or more parts of letters, digits, `.`, `_` and `-`.
    pub fn new(connection: &ConnectionName, path: &str) -> Result<Self, InvalidId> {
        let part_ok = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && !part.starts_with('-')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '+'))
        };
        if path.split('/').count() < 2 || !path.split('/').all(part_ok) {
            return Err(InvalidId { text: path.to_owned(), expected: "a repository such as `acme/api`" });
        }
        Ok(Self { connection: connection.clone(), path: path.to_owned() })
    }

    /// Owner and name, split at the last slash.
    #[must_use]
    pub fn owner_and_name(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }
}

impl fmt::Display for RepoRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connection, self.path)
    }
}

impl FromStr for RepoRef {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (connection, path) = text.split_once('/').ok_or_else(|| InvalidId {
            text: text.to_owned(),
            expected: "a repository such as `github/acme/api`",
        })?;
        Self::new(&ConnectionName(connection.to_owned()), path)
    }
}

impl TryFrom<String> for RepoRef {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<RepoRef> for String {
    fn from(repo: RepoRef) -> Self {
        repo.to_string()
    }
}

/// How often a run has been claimed; every call of a worker carries it, and a stale one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A git object id: 40 lower-case hex digits (SHA-1 repositories).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(String);

impl Oid {
    /// The id that git uses for "no object".
    pub const ZERO: &'static str = "0000000000000000000000000000000000000000";

    /// The bare text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is git's "no object".
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == Self::ZERO
    }

    /// Git's "no object".
    #[must_use]
    pub fn zero() -> Self {
        Self(Self::ZERO.to_owned())
    }
}

impl FromStr for Oid {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { text: text.to_owned(), expected: "a git object id of 40 hex digits" })
        }
    }
}

impl TryFrom<String> for Oid {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
