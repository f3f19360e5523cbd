//! Finding the file, reading it and laying the environment over it.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::env::Env;
use crate::error::ConfigError;
use crate::layer::Layer;
use crate::roles::{self, Role, Secrets};
use crate::settings::{Settings, SettingsFile};
use crate::yaml::{Sources, YamlError};

/// What a variable that overrides a value starts with.
const PREFIX: &str = "PULLWRIGHT__";

/// Keys that exist in the format and that this version cannot honour.
const LATER: [(&str, &str); 1] = [("offline", "leave it out")];

/// Settings, and what is needed to show a place in them.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file they were read from.
    pub file: PathBuf,
    sources: Sources,
}

impl Loaded {
    /// Resolves the secrets of `role`, and no others.
    ///
    /// # Errors
    /// When one is missing or empty, or when another role's secret is within reach: a process
    /// must not hold what its role does not need.
    pub fn secrets(&self, role: Role, env: &dyn Env) -> Result<Secrets, ConfigError> {
        Ok(roles::resolve(&self.settings, role, env, &self.sources)?)
    }

    /// The password of the database alone, where it has one: for commands that need no other secret.
    ///
    /// # Errors
    /// When it is missing or empty.
    pub fn database_password(&self, env: &dyn Env) -> Result<Option<SecretString>, ConfigError> {
        Ok(roles::database_password(&self.settings, env, &self.sources)?)
    }
}

/// Reads the settings: the file at `path`, else at `PULLWRIGHT_CONFIG`, else `pullwright.yaml` here,
/// else in the user's configuration folder; then `PULLWRIGHT__SECTION__KEY` for single values.
///
/// # Errors
/// When there is no file, or anything in it is unknown, doubled, impossible or not supported.
pub fn load(path: Option<&Path>, env: &dyn Env) -> Result<Loaded, ConfigError> {
    let file = find(path, env)?;
    let text = std::fs::read_to_string(&file)
        .map_err(|source| ConfigError::Unreadable { path: file.clone(), source })?;
    let mut sources = Sources::default();
    let shown = path_from(&env.current_dir(), &file);
    let mut read: SettingsFile = sources.parse(&shown.display().to_string(), &text).map_err(later)?;
    for (name, value) in env.with_prefix(PREFIX) {
        let keys: Vec<String> =
            name.trim_start_matches(PREFIX).split("__").map(str::to_ascii_lowercase).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        read.overlay(sources.parse_variable(&name, &keys, &value).map_err(later)?);
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    let settings = read.build(folder, &sources)?;
    Ok(Loaded { settings, file, sources })
}

fn find(path: Option<&Path>, env: &dyn Env) -> Result<PathBuf, ConfigError> {
    let here = env.current_dir();
    let named = path.map(Path::to_owned).or_else(|| env.get("PULLWRIGHT_CONFIG").map(PathBuf::from));
    if let Some(named) = named {
        return Ok(here.join(named));
    }
    let user = env
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| env.get("HOME").map(|home| Path::new(&home).join(".config")));
    let places = std::iter::once(here).chain(user.map(|folder| folder.join("pullwright")));
    let looked: Vec<PathBuf> = places.map(|folder| folder.join("pullwright.yaml")).collect();
    // A file that is there but cannot be read is an error of its own, not a reason to look on.
    let found = looked.iter().find(|path| path.try_exists().unwrap_or(true)).cloned();
    found.ok_or(ConfigError::NotFound { looked })
}

/// The short name that a person would type.
fn path_from(here: &Path, file: &Path) -> PathBuf {
    file.strip_prefix(here).unwrap_or(file).to_owned()
}

/// Says of a key of a later version that it is one.
fn later(error: Box<YamlError>) -> Box<YamlError> {
    let known = error.unknown_key().and_then(|key| LATER.iter().find(|(later, _)| *later == key));
    match known {
        Some((key, help)) => {
            error.reword(format!("the key `{key}` is not supported by this version"), help).boxed()
        }
        None => error,
    }
}
