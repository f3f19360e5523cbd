//! Bare repositories on disk, asked and filled through the git command.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use chrono::{DateTime, Utc};
use tokio::process::Command;

/// A git command that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It could not be started.
    #[error("git could not be started; is it installed?")]
    Start(#[source] std::io::Error),
    /// It ended with a failure.
    #[error("`git {command}` failed: {stderr}")]
    Failed {
        /// Its first argument.
        command: String,
        /// What it said.
        stderr: String,
    },
}

/// A bare repository.
#[derive(Debug, Clone)]
pub struct BareRepository {
    folder: PathBuf,
}

/// One file of a change.
#[derive(Debug, Clone)]
pub(crate) struct ChangedFile {
    pub path: String,
    /// `added`, `modified` or `removed`.
    pub status: &'static str,
    pub blob: String,
    pub additions: u64,
    pub deletions: u64,
}

/// One entry of a folder.
#[derive(Debug, Clone)]
pub(crate) struct TreeEntry {
    pub mode: String,
    /// `blob`, `tree` or `commit`.
    pub kind: String,
    pub id: String,
    /// In bytes; 0 where it is no file.
    pub size: u64,
    /// From the repository's root.
    pub path: String,
}

impl TreeEntry {
    /// A line of `git ls-tree --long`.
    fn read(line: &str, folder: &str) -> Option<Self> {
        let (facts, name) = line.split_once('\t')?;
        let mut facts = facts.split_whitespace().map(str::to_owned);
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let (mode, kind, id) = (facts.next()?, facts.next()?, facts.next()?);
        Some(Self { mode, kind, id, size: facts.next()?.parse().unwrap_or(0), path })
    }
}

impl BareRepository {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes it, empty, with `branch` as its head.
    pub(crate) async fn init(&self, branch: &str) -> Result<(), GitError> {
        let head = format!("--initial-branch={branch}");
        run(git().args(["init", "--quiet", "--bare", &head]).arg(&self.folder)).await?;
        Ok(())
    }

    /// Makes it as a copy of the git repository at `source`.
    pub(crate) async fn copy_from(&self, source: &Path) -> Result<(), GitError> {
        let mut command = git();
        command.args(["clone", "--quiet", "--bare", "--no-hardlinks", "--"]).arg(source).arg(&self.folder);
        run(&mut command).await?;
        Ok(())
    }

    /// Commits all files below `tree` on `branch`, on top of what is there.
    pub(crate) async fn commit_folder(
        &self,
        tree: &Path,
        branch: &str,
        message: &str,
        at: DateTime<Utc>,
    ) -> Result<String, GitError> {
        let index = self.folder.join("sim-index");
        let mut add = self.git();
        add.env("GIT_WORK_TREE", tree).env("GIT_INDEX_FILE", &index).args(["add", "--all", "--force", "."]);
        run(add.current_dir(tree)).await?;
        let tree_id = line(&run(self.git().env("GIT_INDEX_FILE", &index).args(["write-tree"])).await?);
        let mut commit = self.git();
        let date = at.to_rfc3339();
        commit.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        commit.args(["commit-tree", "-m", message, &tree_id]);
        if let Some(parent) = self.branch(branch).await? {
            commit.args(["-p", &parent]);
        }
        let id = line(&run(&mut commit).await?);
        run(self.git().args(["update-ref", &format!("refs/heads/{branch}"), &id])).await?;
        Ok(id)
    }

    /// Every branch with its newest commit.
    pub(crate) async fn branches(&self) -> Result<BTreeMap<String, String>, GitError> {
        let format = "--format=%(objectname) %(refname:lstrip=2)";
        let output = run(self.git().args(["for-each-ref", format, "refs/heads"])).await?;
        let text = String::from_utf8_lossy(&output);
        let pair = |l: &str| l.split_once(' ').map(|(id, name)| (name.to_owned(), id.to_owned()));
        Ok(text.lines().filter_map(pair).collect())
    }

    /// What a commit says.
    pub(crate) async fn message(&self, commit: &str) -> Result<String, GitError> {
        let output = run(self.git().args(["log", "-1", "--format=%B", commit])).await?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// The newest commit of `branch`.
    pub(crate) async fn branch(&self, branch: &str) -> Result<Option<String>, GitError> {
        match self.loose(branch).await {
            Some(id) => Ok(Some(id)),
            None => Ok(self.branches().await?.remove(branch)),
        }
    }

    /// What the branch's own file says, which outranks packed ones (gitrepository-layout(5)): this is
    /// asked often, and a git process takes milliseconds.
    async fn loose(&self, branch: &str) -> Option<String> {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !branch.split('/').all(plain) {
            return None;
        }
        let file = self.folder.join("refs/heads").join(branch);
        let id = tokio::fs::read_to_string(file).await.ok()?.trim_end().to_owned();
        (id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
    }

    /// The branch that HEAD names.
    pub(crate) async fn head_branch(&self) -> Result<String, GitError> {
        Ok(line(&run(self.git().args(["symbolic-ref", "--short", "HEAD"])).await?))
    }

    /// The commit that a branch, tag or (full) id names.
    pub(crate) async fn resolve(&self, name: &str) -> Option<String> {
        let spec = format!("{name}^{{commit}}");
        let mut command = self.git();
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options", &spec]);
        run(&mut command).await.ok().map(|output| line(&output))
    }

    /// What the folder `path` holds at a commit, if there is one.
    pub(crate) async fn tree(&self, commit: &str, path: &str, recursive: bool) -> Option<Vec<TreeEntry>> {
        let mut command = self.git();
        command.args(["ls-tree", "-z", "--long"]).args(recursive.then_some("-rt"));
        command.arg(format!("{commit}:{path}"));
        let output = run(&mut command).await.ok()?;
        let text = String::from_utf8_lossy(&output);
        Some(text.split('\0').filter_map(|line| TreeEntry::read(line, path)).collect())
    }

    /// A file's bytes, by its id.
    pub(crate) async fn blob(&self, id: &str) -> Option<Vec<u8>> {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut command = self.git();
        command.args(["cat-file", "blob", id]);
        if is_id { run(&mut command).await.ok() } else { None }
    }

    /// How many commits `head` has that `base` has not.
    pub(crate) async fn commits_ahead(&self, base: &str, head: &str) -> Result<u64, GitError> {
        let range = format!("{base}..{head}");
        let output = run(self.git().args(["rev-list", "--count", &range, "--"])).await?;
        Ok(line(&output).parse().unwrap_or(0))
    }

    /// A commit's author name, address, date and message.
    pub(crate) async fn commit(&self, id: &str) -> Result<[String; 4], GitError> {
        let args = ["show", "--no-patch", "--format=%an%x00%ae%x00%aI%x00%B", id, "--"];
        let text = line(&run(self.git().args(args)).await?);
        let mut parts = text.splitn(4, '\0').map(str::to_owned);
        Ok(std::array::from_fn(|_| parts.next().unwrap_or_default()))
    }

    /// What `head` changed since it left `base`, as a patch.
    pub(crate) async fn diff(&self, base: &str, head: &str, path: Option<&str>) -> Result<Vec<u8>, GitError> {
        let mut command = self.git();
        command.args(["diff", "--no-renames", &format!("{base}...{head}"), "--"]);
        command.args(path.map(|p| format!(":(literal){p}")));
        run(&mut command).await
    }

    /// The same, file by file.
    pub(crate) async fn changed_files(&self, base: &str, head: &str) -> Result<Vec<ChangedFile>, GitError> {
        let range = format!("{base}...{head}");
        let args = ["diff", "--raw", "--numstat", "-z", "--no-renames", "--abbrev=40", &range, "--"];
        let output = run(self.git().args(args)).await?;
        let text = String::from_utf8_lossy(&output);
        let mut files = Vec::new();
        let mut counts = BTreeMap::new();
        let mut fields = text.split('\0').filter(|f| !f.is_empty());
        while let Some(field) = fields.next() {
            if let Some(raw) = field.strip_prefix(':') {
                // :100644 100644 <old> <new> M, then the path as a field of its own.
                let words: Vec<&str> = raw.split(' ').collect();
                let [_, _, old, new, letter] = words[..] else { continue };
                let status = match letter {
                    "A" => "added",
                    "D" => "removed",
                    _ => "modified",
                };
                let blob = if status == "removed" { old } else { new }.to_owned();
                let path = fields.next().unwrap_or_default().to_owned();
                files.push(ChangedFile { path, status, blob, additions: 0, deletions: 0 });
            } else {
                let mut columns = field.splitn(3, '\t');
                let mut number = || columns.next().and_then(|c| c.parse::<u64>().ok()).unwrap_or(0);
                let pair = (number(), number());
                counts.insert(columns.next().unwrap_or_default().to_owned(), pair);
            }
        }
        for file in &mut files {
            (file.additions, file.deletions) = counts.get(&file.path).copied().unwrap_or_default();
        }
        Ok(files)
    }

    fn git(&self) -> Command {
        let mut command = git();
        command.env("GIT_DIR", &self.folder);
        command
    }
}

/// The git command with nothing of the machine's own configuration.
pub(crate) fn git() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_git_variable(name)) {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "forge-sim")
        .env("GIT_AUTHOR_EMAIL", "forge-sim@localhost")
        .env("GIT_COMMITTER_NAME", "forge-sim")
        .env("GIT_COMMITTER_EMAIL", "forge-sim@localhost")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command.args(["-c", "safe.directory=*", "-c", "core.quotePath=false"]);
    command
}

/// A `GIT_DIR` of the caller (as inside a hook) would point our commands elsewhere.
fn is_git_variable(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("GIT_")
}

async fn run(command: &mut Command) -> Result<Vec<u8>, GitError> {
    let output = command.output().await.map_err(GitError::Start)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut words = command.as_std().get_args().map(|a| a.to_string_lossy().into_owned());
    let name = words.find(|w| w != "-c" && !w.contains('=')).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(GitError::Failed { command: name, stderr })
}

fn line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim().to_owned()
}
