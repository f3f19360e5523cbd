//! The one way git is started on the host.
//!
//! It sees no configuration but ours, runs no hook, helper or driver, speaks HTTP only, and gets
//! the gate's token through its environment, never through an argument or an address. It is only
//! ever pointed at git directories that no sandbox can write.

mod error;
mod process;
pub(crate) mod skeleton;

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use schemas::control::GitAccess;
use tokio::process::Command;

pub use error::GitError;

/// What every call is configured with; `GIT_CONFIG_COUNT` outranks every file.
const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
    ("core.sshCommand", "/bin/false"),
    ("protocol.allow", "never"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    ("credential.helper", ""),
    ("http.followRedirects", "false"),
    ("push.gpgSign", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // A pack appears whole or not at all; loose objects could be half there after a kill.
    ("fetch.unpackLimit", "1"),
    ("fastimport.unpackLimit", "0"),
];

/// Starts git.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    home: PathBuf,
    timeout: Duration,
    ca_file: Option<PathBuf>,
}

/// One call of git.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    git_dir: &'a Path,
    work_tree: Option<&'a Path>,
    arguments: Vec<&'a OsStr>,
    access: Option<&'a GitAccess>,
    input: Option<File>,
    output_cap: usize,
}

/// What git printed.
#[derive(Debug)]
pub(crate) struct Printed {
    /// Standard output, up to the cap.
    pub(crate) bytes: Vec<u8>,
    /// Whether there was more.
    pub(crate) cut: bool,
}

impl<'a> Call<'a> {
    /// A call on `git_dir`.
    pub(crate) fn on(git_dir: &'a Path, arguments: &'a [&'a str]) -> Self {
        Self {
            git_dir,
            work_tree: None,
            arguments: arguments.iter().map(|argument| OsStr::new(*argument)).collect(),
            access: None,
            input: None,
            // The tree of a very large repository is some tens of megabytes.
            output_cap: 256 << 20,
        }
    }

    /// Adds one argument that is a path.
    pub(crate) fn path(mut self, path: &'a Path) -> Self {
        self.arguments.push(path.as_os_str());
        self
    }

    /// Writes files into `work_tree`.
    pub(crate) fn work_tree(mut self, work_tree: &'a Path) -> Self {
        self.work_tree = Some(work_tree);
        self
    }

    /// May talk to the gate.
    pub(crate) fn access(mut self, access: &'a GitAccess) -> Self {
        self.access = Some(access);
        self
    }

    /// Reads `input`.
    pub(crate) fn input(mut self, input: File) -> Self {
        self.input = Some(input);
        self
    }

    /// Keeps at most `bytes` of the output.
    pub(crate) fn output_cap(mut self, bytes: usize) -> Self {
        self.output_cap = bytes;
        self
    }
}

impl Git {
    /// `home` is an empty folder; no call takes longer than `timeout`; `ca_file` says whom to trust
    /// where the system does not.
    pub(crate) fn new(home: PathBuf, timeout: Duration, ca_file: Option<PathBuf>) -> Self {
        Self { home, timeout, ca_file }
    }

    /// Runs one call to its end. Dropping the future kills git and all it started.
    ///
    /// # Errors
    /// When git does not end with 0: what went wrong, read from its messages.
    pub(crate) async fn run(&self, call: Call<'_>) -> Result<Printed, GitError> {
        let mut command = Command::new("git");
        self.prepare(&mut command, &call);
        command.stdin(call.input.map_or_else(Stdio::null, Stdio::from));
        let ended = tokio::time::timeout(self.timeout, process::run(command, call.output_cap));
        let ended = ended.await.map_err(|_| GitError::TimedOut(self.timeout))??;
        if ended.success || ended.printed.cut {
            Ok(ended.printed)
        } else {
            Err(GitError::from_messages(&ended.messages, &ended.printed.bytes, call.access))
        }
    }

    fn prepare(&self, command: &mut Command, call: &Call<'_>) {
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        if let Some(path) = &self.ca_file {
            command.env("GIT_SSL_CAINFO", path);
        }
        let header = call.access.map(|access| format!("Authorization: Bearer {}", access.token));
        let secret = header.as_deref().map(|header| ("http.extraHeader", header));
        let mut count = 0usize;
        for (key, value) in CONFIG.iter().copied().chain(secret) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.arg("--git-dir").arg(call.git_dir);
        if let Some(work_tree) = call.work_tree {
            command.arg("--work-tree").arg(work_tree);
        }
        command.args(&call.arguments).current_dir(&self.home);
    }
}
