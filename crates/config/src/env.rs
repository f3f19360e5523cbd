//! The process's environment as an argument, so that tests bring their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Variables and the folder that relative paths of the command line start from.
pub trait Env {
    /// The value of `name`; a value that is no UTF-8 counts as absent.
    fn get(&self, name: &str) -> Option<String>;

    /// Every variable whose name starts with `prefix`, sorted by name.
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)>;

    /// The current folder.
    fn current_dir(&self) -> PathBuf;
}

/// The environment this process was started with.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnv;

impl Env for ProcessEnv {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let mut found: Vec<_> =
            std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with(prefix)).collect();
        found.sort();
        found
    }

    fn current_dir(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
    }
}

/// A fixed environment; `PWD` is its current folder.
impl Env for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }

    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let matching = self.iter().filter(|(name, _)| name.starts_with(prefix));
        matching.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn current_dir(&self) -> PathBuf {
        BTreeMap::get(self, "PWD").map_or_else(|| PathBuf::from("."), PathBuf::from)
    }
}
