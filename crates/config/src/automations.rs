//! Where automations lie: a folder, or a folder on a branch of a repository.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemas::{ConnectionName, RepoRef};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::connections::Connection;
use crate::layer::{Layer, section};
use crate::yaml::{Placed, Sources, YamlError, closest, parsed};

/// Where automations lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Automations {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a repository of a forge.
    Repository {
        /// Which.
        repository: RepoRef,
        /// The folder in it, with no slash at its ends; empty for the root.
        path: String,
        /// The branch; the repository's default branch unless said.
        branch: Option<String>,
    },
}

/// `automations:`, a folder or a map.
#[derive(Debug)]
pub(crate) enum AutomationsFile {
    Folder(PathBuf),
    Repository(RepositoryTable),
}

section! {
    /// `automations: { … }`
    RepositoryTable {
        repository: Option<Placed<RepositoryName>>,
        path: Option<Placed<String>>,
        branch: Option<String>,
    }
}

impl AutomationsFile {
    /// Checks what types cannot say; `folder` makes a path absolute.
    pub(crate) fn build(
        file: Option<&Placed<Self>>,
        folder: impl Fn(&Option<PathBuf>, &str) -> PathBuf,
        connections: &BTreeMap<ConnectionName, Connection>,
        sources: &Sources,
    ) -> Result<Automations, Box<YamlError>> {
        const DEFAULT: &str = "automations";
        let Some(file) = file else { return Ok(Automations::Folder(folder(&None, DEFAULT))) };
        let table = match &file.value {
            Self::Folder(path) => return Ok(Automations::Folder(folder(&Some(path.clone()), DEFAULT))),
            Self::Repository(table) => table,
        };
        let Some(repository) = &table.repository else {
            let error = sources.error_at(file.place, "the repository of the automations is missing");
            return Err(error.with_help("add `repository: github/acme/ops`, or name a folder").boxed());
        };
        let name = repository.value.0.connection.clone();
        match connections.get(&name) {
            Some(connection) if connection.has_repositories() => {}
            Some(connection) => {
                let error =
                    sources.error_at(repository.place, format!("{} has no repositories", connection.kind));
                return Err(error.with_help("name a connection of GitHub or GitLab").boxed());
            }
            None => {
                let help = match closest(name.as_str(), connections.keys().map(ConnectionName::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "add it to `connections`".to_owned(),
                };
                let error = sources.error_at(repository.place, format!("there is no connection `{name}`"));
                return Err(error.with_help(help).boxed());
            }
        }
        let path = table.path.as_ref().map_or("", |path| path.value.as_str());
        let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if let Some(path) = table.path.as_ref().filter(|_| parts.contains(&"..")) {
            let error = sources.error_at(path.place, "the path leads out of the repository");
            return Err(error.with_help("name a folder below its root: `path: automations`").boxed());
        }
        Ok(Automations::Repository {
            repository: repository.value.0.clone(),
            path: parts.join("/"),
            branch: table.branch.clone(),
        })
    }
}

/// A map lies over a map; whatever else comes later replaces what was there.
impl Layer for AutomationsFile {
    fn overlay(&mut self, over: Self) {
        match (self, over) {
            (Self::Repository(base), Self::Repository(over)) => base.overlay(over),
            (base, over) => *base = over,
        }
    }
}

impl<'de> Deserialize<'de> for AutomationsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FolderOrMap;
        impl<'de> Visitor<'de> for FolderOrMap {
            type Value = AutomationsFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a folder, or a map with `repository`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<AutomationsFile, E> {
                Ok(AutomationsFile::Folder(PathBuf::from(text)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AutomationsFile, A::Error> {
                RepositoryTable::deserialize(MapAccessDeserializer::new(map)).map(AutomationsFile::Repository)
            }
        }
        deserializer.deserialize_any(FolderOrMap)
    }
}

/// A repository, named by its connection.
#[derive(Debug)]
pub(crate) struct RepositoryName(RepoRef);

impl<'de> Deserialize<'de> for RepositoryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| text.parse().map(Self);
        parsed(deserializer, parse, "a repository is named by its connection: `github/acme/ops`")
    }
}
