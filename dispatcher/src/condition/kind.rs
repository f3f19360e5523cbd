//! The kinds of values that conditions have, with the most that one can hold.

use std::fmt;

/// What a part of a condition comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// True or false.
    Flag,
    /// A whole number.
    Number,
    /// A text.
    Text {
        /// Its bytes at the most.
        longest: u64,
        /// The only words it can be; empty where it can be any.
        words: &'static [&'static str],
    },
    /// A list.
    List {
        /// Its elements; unknown where it is empty.
        of: Option<Box<Kind>>,
        /// Their number at the most.
        most: u64,
    },
    /// A part of the event that has fields of its own.
    Object,
}

impl Kind {
    /// A text that can be anything up to so many bytes.
    pub(super) const fn text(longest: u64) -> Self {
        Self::Text { longest, words: &[] }
    }

    /// What holds a value of either; nothing when they do not fit.
    pub(super) fn either(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Text { longest: a, .. }, Self::Text { longest: b, .. }) => Some(Self::text(a.max(b))),
            (Self::List { of: a, most: m }, Self::List { of: b, most: n }) => {
                let of = match (a, b) {
                    (Some(a), Some(b)) => Some(Box::new(a.either(*b)?)),
                    (a, b) => a.or(b),
                };
                Some(Self::List { of, most: m.max(n) })
            }
            (a, b) => (a == b).then_some(a),
        }
    }

    /// The word for several of them.
    pub(super) const fn plural(&self) -> &'static str {
        match self {
            Self::Flag => "conditions",
            Self::Number => "numbers",
            Self::Text { .. } => "texts",
            Self::List { .. } => "lists",
            Self::Object => "parts with fields",
        }
    }

    /// Bytes to look through, at the most, when it is compared.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Flag | Self::Number | Self::Object => 1,
            Self::Text { longest, .. } => *longest,
            Self::List { of, most } => of.as_ref().map_or(1, |of| of.bytes()).saturating_mul(*most),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "a condition",
            Self::Number => "a number",
            Self::Text { .. } => "a text",
            Self::List { .. } => "a list",
            Self::Object => "a part with fields",
        })
    }
}
