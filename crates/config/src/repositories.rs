//! What repositories need: it belongs to them, not to an automation.

use globset::{GlobBuilder, GlobMatcher};
use schemas::ConnectionName;
use schemas::run::RepositorySetup;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::connections::Connection;
use crate::projects::{Alias, Project, ProjectFile};
use crate::yaml::{Placed, Sources, YamlError, closest, parsed};

/// One entry of `repositories:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    r#match: Placed<Pattern>,
    #[serde(default, rename = "image")]
    _image: Option<Image>,
    #[serde(default)]
    setup: Vec<String>,
    #[serde(default)]
    validate: Vec<String>,
    #[serde(default)]
    protected_paths: Vec<Pattern>,
    #[serde(default)]
    pub(crate) alias: Option<Placed<Alias>>,
    #[serde(default)]
    pub(crate) sentry_projects: Vec<Placed<ProjectFile>>,
    #[serde(default)]
    pub(crate) jira_projects: Vec<Placed<ProjectFile>>,
}

/// What the repositories that a glob names need.
#[derive(Debug, Clone)]
pub struct RepositoryRule {
    /// The glob over `connection/owner/name`; `*` stays within one part, `**` does not.
    pub pattern: String,
    /// What it adds to a run.
    pub setup: RepositorySetup,
    /// What a label `repo-<alias>` names the repository by; only where `pattern` is a whole name.
    pub alias: Option<String>,
    /// The projects of trackers whose events are about the repository; only there, too.
    pub projects: Vec<Project>,
    matcher: GlobMatcher,
}

impl RepositoryRule {
    /// Whether it is about the repository named so.
    pub(crate) fn is_match(&self, repo: &str) -> bool {
        self.matcher.is_match(repo)
    }

    /// Greater for the rule that says more about a name: no wildcard, then more fixed letters.
    pub(crate) fn specificity(&self) -> (bool, usize) {
        let wild = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}');
        (!self.pattern.contains(wild), self.pattern.chars().filter(|c| !wild(*c)).count())
    }
}

impl RuleFile {
    /// All entries, checked.
    pub(crate) fn build(
        entries: &[Self],
        connections: &std::collections::BTreeMap<ConnectionName, Connection>,
        sources: &Sources,
    ) -> Result<Vec<RepositoryRule>, Box<YamlError>> {
        let mut rules: Vec<RepositoryRule> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Placed { value: pattern, place } = &entry.r#match;
            let text = &pattern.text;
            if rules.iter().any(|rule| rule.pattern == *text) {
                let error = sources.error_at(*place, format!("`match: {text}` appears twice"));
                return Err(error.with_help("put both into one entry").boxed());
            }
            let first = text.split('/').next().unwrap_or_default();
            let fixed = !first.contains(['*', '?', '[', '{']);
            if fixed && !connections.contains_key(&ConnectionName(first.to_owned())) {
                let names = connections.keys().map(ConnectionName::as_str);
                let help = match closest(first, names) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "a repository is named by its connection: `github/acme/api`".to_owned(),
                };
                let error = sources.error_at(*place, format!("there is no connection `{first}`"));
                return Err(error.with_help(help).boxed());
            }
            if let Some(tracker) = connections.get(&ConnectionName(first.to_owned()))
                && !tracker.has_repositories()
            {
                let error = sources.error_at(*place, format!("{} has no repositories", tracker.kind));
                return Err(error.with_help("name a connection of GitHub or GitLab").boxed());
            }
            rules.push(RepositoryRule {
                pattern: text.clone(),
                matcher: pattern.matcher.clone(),
                setup: RepositorySetup {
                    setup: entry.setup.clone(),
                    validate: entry.validate.clone(),
                    protected_paths: entry.protected_paths.iter().map(|path| path.text.clone()).collect(),
                },
                alias: None,
                projects: Vec::new(),
            });
        }
        Ok(rules)
    }
}

/// A glob that compiles.
#[derive(Debug)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| {
            if text.is_empty() {
                return Err("an empty glob matches nothing".to_owned());
            }
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            let matcher =
                glob.map_err(|error| format!("`{text}` is no glob: {}", error.kind()))?.compile_matcher();
            Ok(Self { text: text.to_owned(), matcher })
        };
        parsed(deserializer, parse, "`*` stands for a part of a name, `**` for any number of parts")
    }
}

/// `image: host`, the only room this version has: the host's own programs, shown read-only.
#[derive(Debug)]
struct Image;

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| match text {
            "host" => Ok(Self),
            _ => Err("container images are not supported by this version"),
        };
        parsed(deserializer, parse, "write `image: host`, or leave it out")
    }
}
