//! Why there are no settings, or no secrets.

use std::path::PathBuf;

use miette::Diagnostic;

use crate::yaml::YamlError;

/// No settings. Each says where and what to do; none repeats a secret.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConfigError {
    /// There is no file.
    #[error("there is no configuration: looked for {}", list(.looked))]
    #[diagnostic(help("`pullwright init` writes one; `--config` names one elsewhere"))]
    NotFound {
        /// Where it was looked for, in order.
        looked: Vec<PathBuf>,
    },
    /// The file is there, or was named, and cannot be read.
    #[error("the configuration {} cannot be read", path.display())]
    #[diagnostic(help("check its name and that this account may read it"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A fault in the file or in a variable that overrides it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(#[from] Box<YamlError>),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
