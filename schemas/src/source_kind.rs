//! The kinds of tool that events come from.

use std::fmt;

use serde::de::{self, Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The kind of tool an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// GitHub, github.com or GHES.
    Github,
    /// GitLab, gitlab.com or self-managed.
    Gitlab,
    /// Jira Cloud or Data Center.
    Jira,
    /// Sentry, sentry.io or self-hosted.
    Sentry,
    /// Gitea or Forgejo.
    Gitea,
    /// Bitbucket Cloud or Data Center.
    Bitbucket,
    /// Linear.
    Linear,
    /// Slack.
    Slack,
    /// Any other tool, by a mapping that its owner wrote.
    Generic,
    /// Pullwright itself: schedules, and what people ask of it.
    Pullwright,
}

/// As derived, but for what it says is possible: where a person is to choose, it is a tool.
impl<'de> Deserialize<'de> for SourceKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word(SourceKind);
        struct WordVisitor;
        struct KindVisitor;

        impl Visitor<'_> for WordVisitor {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind of tool")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
                let mut kinds = SourceKind::TOOLS.iter().copied().chain([SourceKind::Pullwright]);
                let known = kinds.find(|kind| kind.as_str() == text);
                known.map(Word).ok_or_else(|| E::unknown_variant(text, SourceKind::NAMES))
            }
        }

        impl<'de> Deserialize<'de> for Word {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_identifier(WordVisitor)
            }
        }

        impl<'de> Visitor<'de> for KindVisitor {
            type Value = SourceKind;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind of tool")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<SourceKind, A::Error> {
                let (Word(kind), variant) = access.variant()?;
                variant.unit_variant()?;
                Ok(kind)
            }
        }

        deserializer.deserialize_enum("SourceKind", Self::NAMES, KindVisitor)
    }
}

impl SourceKind {
    /// Every tool, in the order that lists print.
    pub const TOOLS: [Self; 9] = [
        Self::Github,
        Self::Gitlab,
        Self::Jira,
        Self::Sentry,
        Self::Gitea,
        Self::Bitbucket,
        Self::Linear,
        Self::Slack,
        Self::Generic,
    ];

    const NAMES: &'static [&'static str] =
        &["github", "gitlab", "jira", "sentry", "gitea", "bitbucket", "linear", "slack", "generic"];

    /// The word that configuration uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Jira => "jira",
            Self::Sentry => "sentry",
            Self::Gitea => "gitea",
            Self::Bitbucket => "bitbucket",
            Self::Linear => "linear",
            Self::Slack => "slack",
            Self::Generic => "generic",
            Self::Pullwright => "pullwright",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
