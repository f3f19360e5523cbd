//! From files to a [`RuleSet`]: every file good, or the old set stays.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use config::yaml::{Placed, Sources, YamlError};
use schemas::automation::{Automation, AutomationFile, Defaults};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Rule, RuleSet, check};

/// Why a set of automations is not taken.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LoadError {
    /// The folder or a file in it cannot be read.
    #[error("{path} cannot be read")]
    #[diagnostic(help(
        "`automations:` in pullwright.yaml names the folder; it has to exist and be readable"
    ))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Files say something that cannot be.
    #[error("{count} mistake(s) in the automations")]
    Mistakes {
        /// How many.
        count: usize,
        /// Each with its place.
        #[related]
        mistakes: Vec<YamlError>,
    },
}

impl LoadError {
    /// All of it on one line, for the log and `/readyz`.
    #[must_use]
    pub fn one_line(&self) -> String {
        match self {
            Self::Mistakes { mistakes, .. } => {
                mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            Self::Unreadable { path, source } => format!("{}: {source}", path.display()),
        }
    }
}

/// The places of what a later check may have to point at.
#[derive(Debug, Deserialize)]
pub(super) struct Places {
    pub(super) version: Placed<IgnoredAny>,
    #[serde(default)]
    pub(super) automations: Vec<AutomationPlaces>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AutomationPlaces {
    pub(super) name: Placed<IgnoredAny>,
    #[serde(default)]
    pub(super) on: Vec<Placed<IgnoredAny>>,
    #[serde(default)]
    pub(super) repos: Vec<Placed<IgnoredAny>>,
    pub(super) run: Placed<IgnoredAny>,
    pub(super) output: Option<Placed<IgnoredAny>>,
}

/// Reads every `*.yaml` and `*.yml` of a folder.
///
/// # Errors
/// When a file cannot be read or says something that cannot be.
pub fn load_folder(folder: &Path) -> Result<RuleSet, LoadError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        |source| LoadError::Unreadable { path, source }
    };
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if yaml && path.is_file() {
            let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
            texts.insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text);
        }
    }
    load_texts(texts)
}

/// Reads files that are in memory: names and texts.
///
/// # Errors
/// When one of them says something that cannot be.
pub fn load_texts(texts: BTreeMap<String, String>) -> Result<RuleSet, LoadError> {
    let mut mistakes = Vec::new();
    let mut rules = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for (name, text) in &texts {
        let mut sources = Sources::default();
        let file: AutomationFile = match sources.parse(name, text) {
            Ok(file) => file,
            Err(mistake) => {
                mistakes.push(*mistake);
                continue;
            }
        };
        // A second reading for the places alone: the vocabulary itself knows nothing of YAML.
        let mut sources = Sources::default();
        let places: Places = match sources.parse(name, text) {
            Ok(places) => places,
            Err(mistake) => {
                mistakes.push(*mistake);
                continue;
            }
        };
        let before = mistakes.len();
        check::file(&file, &places, &sources, &mut names, name, &mut mistakes);
        if mistakes.len() == before {
            for (automation, place) in file.automations.into_iter().zip(&places.automations) {
                let rule = with_defaults(&automation, &file.defaults)
                    .map_err(|error| error.to_string())
                    .and_then(|merged| Rule::new(merged, name.clone()).map_err(|error| error.to_string()));
                match rule {
                    Ok(rule) => rules.push(rule),
                    Err(error) => mistakes.push(sources.error_at(place.name.place, error)),
                }
            }
        }
    }
    if mistakes.is_empty() {
        Ok(assemble(texts, rules))
    } else {
        Err(LoadError::Mistakes { count: mistakes.len(), mistakes })
    }
}

pub(super) fn assemble(texts: BTreeMap<String, String>, rules: Vec<Rule>) -> RuleSet {
    let mut hash = Sha256::new();
    for (name, text) in &texts {
        for part in [name, text] {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    RuleSet::new(hex::encode(hash.finalize()), texts, rules)
}

/// Maps merge, lists replace: what the automation says is laid over what the file says of all.
fn with_defaults(automation: &Automation, defaults: &Defaults) -> Result<Automation, serde_json::Error> {
    let mut merged = serde_json::to_value(defaults)?;
    lay_over(&mut merged, serde_json::to_value(automation)?);
    serde_json::from_value(merged)
}

fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}
