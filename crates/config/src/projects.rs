//! Where work goes that names no repository: aliases for labels, and projects of trackers.

use std::collections::BTreeMap;

use schemas::event::SourceKind;
use schemas::{ConnectionName, RepoRef};
use serde::Deserialize;
use serde::de::Deserializer;

use crate::repositories::{RepositoryRule, RuleFile};
use crate::yaml::{Place, Placed, Sources, YamlError, closest, parsed, refusal};

/// A project of a tracker, whose events are about one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The tracker's kind.
    pub kind: SourceKind,
    /// The one tracker meant; `None` is every one of the kind.
    pub connection: Option<ConnectionName>,
    /// Jira's key `PAY`, Sentry's slug `api`.
    pub name: String,
}

/// What a label `repo-<alias>` names a repository by.
#[derive(Debug)]
pub(crate) struct Alias(String);

impl<'de> Deserialize<'de> for Alias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // GitHub's labels have at most 50 characters, and tell no case.
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let parse = |text: &str| match (1..=45).contains(&text.len()) && text.bytes().all(allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("`{text}` cannot be an alias")),
        };
        parsed(deserializer, parse, "use at most 45 of a-z, 0-9, `.`, `-` and `_`: the label is `repo-ALIAS`")
    }
}

/// `api`, or `sentry-eu/api` where several trackers have one of that name.
#[derive(Debug)]
pub(crate) struct ProjectFile {
    connection: Option<ConnectionName>,
    name: String,
}

impl<'de> Deserialize<'de> for ProjectFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (connection, name) = match text.split_once('/') {
            Some((connection, name)) => (Some(ConnectionName(connection.to_owned())), name),
            None => (None, text.as_str()),
        };
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(refusal(
                format!("`{text}` is no project"),
                "write Jira's key, such as PAY, or Sentry's slug, such as api; or CONNECTION/PROJECT",
            ));
        }
        Ok(Self { connection, name: name.to_owned() })
    }
}

/// Whose names may stand before a project's: connections, and webhooks without one.
pub(crate) type Trackers = BTreeMap<ConnectionName, SourceKind>;

/// Gives `rules` the aliases and projects of their entries; both are in the same order.
pub(crate) fn assign(
    entries: &[RuleFile],
    rules: &mut [RepositoryRule],
    trackers: &Trackers,
    sources: &Sources,
) -> Result<(), Box<YamlError>> {
    let mut seen = Seen { aliases: BTreeMap::new(), projects: Vec::new(), sources };
    for (entry, rule) in entries.iter().zip(rules) {
        let pattern = rule.pattern.clone();
        if let Some(alias) = &entry.alias {
            seen.whole_name(&pattern, "alias", alias.place)?;
            if let Some(other) = seen.aliases.insert(alias.value.0.clone(), pattern.clone()) {
                let wrong = format!("the alias `{}` is `{other}` already", alias.value.0);
                return seen.refuse(alias.place, wrong, "give each repository an alias of its own");
            }
            rule.alias = Some(alias.value.0.clone());
        }
        let jira = entry.jira_projects.iter().map(|project| (SourceKind::Jira, "jira_projects", project));
        let sentry =
            entry.sentry_projects.iter().map(|project| (SourceKind::Sentry, "sentry_projects", project));
        for (kind, key, Placed { value: file, place }) in jira.chain(sentry) {
            seen.whole_name(&pattern, key, *place)?;
            let project = Project { kind, connection: file.connection.clone(), name: file.name.clone() };
            seen.project(&project, &pattern, trackers, *place)?;
            rule.projects.push(project);
        }
    }
    Ok(())
}

struct Seen<'a> {
    aliases: BTreeMap<String, String>,
    projects: Vec<(Project, String)>,
    sources: &'a Sources,
}

impl Seen<'_> {
    fn whole_name(&self, pattern: &str, key: &str, place: Option<Place>) -> Result<(), Box<YamlError>> {
        if pattern.parse::<RepoRef>().is_ok() {
            return Ok(());
        }
        let wrong =
            format!("`{key}` leads to one repository, and `match: {pattern}` is no whole name of one");
        self.refuse(place, wrong, "move it to an entry such as `match: github/acme/api`")
    }

    fn project(
        &mut self,
        project: &Project,
        pattern: &str,
        trackers: &Trackers,
        place: Option<Place>,
    ) -> Result<(), Box<YamlError>> {
        let Project { kind, connection, name } = project;
        if *kind == SourceKind::Jira && name.bytes().any(|b| b.is_ascii_lowercase()) {
            let help = format!("did you mean `{}`?", name.to_ascii_uppercase());
            return self.refuse(place, format!("`{name}` is no key of a Jira project"), &help);
        }
        if let Some(connection) = connection
            && trackers.get(connection) != Some(kind)
        {
            let of_kind = trackers.iter().filter(|(_, other)| *other == kind).map(|(name, _)| name.as_str());
            let help = match closest(connection.as_str(), of_kind) {
                Some(near) => format!("did you mean `{near}/{name}`?"),
                None => "write the project alone, or the name of a connection before it".to_owned(),
            };
            return self.refuse(place, format!("there is no {kind} connection `{connection}`"), &help);
        }
        if let Some((_, other)) = self.projects.iter().find(|(known, _)| known == project) {
            let wrong = format!("the project `{name}` belongs to `{other}` already");
            return self.refuse(place, wrong, "give it to one repository");
        }
        self.projects.push((project.clone(), pattern.to_owned()));
        Ok(())
    }

    fn refuse<T>(&self, place: Option<Place>, wrong: String, help: &str) -> Result<T, Box<YamlError>> {
        Err(self.sources.error_at(place, wrong).with_help(help).boxed())
    }
}
