//! A bare mirror per repository, kept warm: what is already there is never fetched again.
//!
//! A mirror holds objects and one ref per base branch. Nothing but this module writes to it, under
//! a lock per repository; runs borrow its objects.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use schemas::control::Job;
use schemas::{Oid, RepoRef};
use sha1::{Digest, Sha1};

use crate::git::{Call, Git, GitError, Printed, skeleton};

/// More packs than this make every lookup slow.
const PACKS: usize = 40;
/// Listings that are remembered, and the bytes of one.
const LISTINGS: usize = 8;
const LISTING: usize = 1 << 20;

/// All mirrors of a worker.
#[derive(Debug)]
pub(crate) struct Mirrors {
    root: PathBuf,
    git: Git,
    locks: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    /// What newest bases hold; the newest last.
    listings: Mutex<VecDeque<(Oid, Arc<Printed>)>>,
}

/// One repository's mirror; it need not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    git_dir: PathBuf,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl Mirror {
    /// Where its objects are; runs borrow them.
    pub(crate) fn objects(&self) -> PathBuf {
        self.git_dir.join("objects")
    }
}

impl Mirrors {
    /// Mirrors below `root`.
    pub(crate) fn new(root: PathBuf, git: Git) -> Self {
        Self { root, git, locks: Mutex::default(), listings: Mutex::default() }
    }

    /// The mirror of `repository`; `None` when its name cannot be a path of ours.
    pub(crate) fn of(&self, repository: &RepoRef) -> Option<Mirror> {
        let connection = repository.connection.as_str();
        let parts = || std::iter::once(connection).chain(repository.path.split('/'));
        let safe = |part: &str| {
            // Without the last condition `a/b.git/c` would lie inside the mirror of `a/b`.
            !part.is_empty() && part != "." && part != ".." && !part.to_ascii_lowercase().ends_with(".git")
        };
        if connection.contains('\\') || !parts().all(safe) {
            return None;
        }
        let git_dir = self.root.join(connection).join(format!("{}.git", repository.path));
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Arc::clone(locks.entry(git_dir.clone()).or_default());
        Some(Mirror { git_dir, lock })
    }

    /// Brings `job.base` into the mirror, unless somebody else just did.
    ///
    /// # Errors
    /// When the gate, the forge or git refuse, or the base is not there any more.
    pub(crate) async fn fetch(&self, mirror: &Mirror, job: &Job) -> Result<(), GitError> {
        let _alone = mirror.lock.lock().await;
        if skeleton::is_complete(&mirror.git_dir) && self.has(mirror, &job.base).await {
            return Ok(());
        }
        let fetched = match self.fetch_branch(mirror, job).await {
            // It may be damaged, by a full disk or a power cut: begin again, once.
            Err(GitError::Failed(message)) => {
                tracing::warn!(repository = %job.repository, message, "the mirror is made anew");
                set_aside(&mirror.git_dir, &job.run.to_string()).map_err(GitError::Io)?;
                self.fetch_branch(mirror, job).await
            }
            other => other,
        };
        fetched?;
        if !self.has(mirror, &job.base).await {
            // The branch was rewritten since the job was made; the commit may still be served.
            self.fetch_ref(mirror, job, job.base.as_str(), "refs/base/commit").await?;
        }
        self.keep_small(mirror).await;
        Ok(())
    }

    /// Every path of `base`, as `git ls-tree -r -z` prints it. Runs that follow each other mostly start at
    /// the same commit, so that a small one is remembered.
    ///
    /// # Errors
    /// When git cannot read it.
    pub(crate) async fn listing(&self, mirror: &Mirror, base: &Oid) -> Result<Arc<Printed>, GitError> {
        let remembered = || self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered().iter().find(|(oid, _)| oid == base).map(|(_, listing)| Arc::clone(listing));
        if let Some(listing) = known {
            return Ok(listing);
        }
        let arguments = ["ls-tree", "-r", "-z", "--full-tree", base.as_str()];
        let listing = Arc::new(self.git.run(Call::on(&mirror.git_dir, &arguments)).await?);
        if !listing.cut && listing.bytes.len() <= LISTING {
            let mut listings = remembered();
            listings.push_back((base.clone(), Arc::clone(&listing)));
            if listings.len() > LISTINGS {
                listings.pop_front();
            }
        }
        Ok(listing)
    }

    async fn fetch_branch(&self, mirror: &Mirror, job: &Job) -> Result<(), GitError> {
        let git_dir = &mirror.git_dir;
        if !skeleton::is_complete(git_dir) {
            skeleton::bare(git_dir, None).map_err(GitError::Io)?;
        }
        remove_leftovers(git_dir).map_err(GitError::Io)?;
        // Hashed, because a branch `a/b` could not be kept beside an older branch `a`.
        let kept_as = format!("refs/base/{}", hex::encode(Sha1::digest(job.base_branch.as_bytes())));
        self.fetch_ref(mirror, job, &format!("refs/heads/{}", job.base_branch), &kept_as).await
    }

    async fn fetch_ref(&self, mirror: &Mirror, job: &Job, from: &str, to: &str) -> Result<(), GitError> {
        let refspec = format!("+{from}:{to}");
        let options = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--",
            &job.git.url,
            &refspec,
        ];
        self.git.run(Call::on(&mirror.git_dir, &options).access(&job.git)).await.map(drop)
    }

    async fn has(&self, mirror: &Mirror, oid: &Oid) -> bool {
        let object = format!("{oid}^{{tree}}");
        self.git.run(Call::on(&mirror.git_dir, &["cat-file", "-e", &object])).await.is_ok()
    }

    /// Joins packs once there are many; a failure costs only time, so it is only noted.
    async fn keep_small(&self, mirror: &Mirror) {
        let packs = fs::read_dir(mirror.objects().join("pack")).map(|entries| {
            entries.flatten().filter(|e| e.path().extension() == Some("pack".as_ref())).count()
        });
        if !matches!(packs, Ok(count) if count > PACKS) {
            return;
        }
        let call = Call::on(&mirror.git_dir, &["repack", "-d", "-q", "--geometric=2"]);
        if let Err(error) = self.git.run(call).await {
            tracing::warn!(error = %error, mirror = %mirror.git_dir.display(), "repacking failed");
        }
    }
}

/// Removes what a killed git left: locks that would block for ever, and half-received packs.
/// Only called under the mirror's lock, so none of it is in use.
fn remove_leftovers(git_dir: &Path) -> io::Result<()> {
    for folder in ["", "refs/base", "objects/info", "objects/pack"] {
        let entries = match fs::read_dir(git_dir.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type()?.is_file() && (name.ends_with(".lock") || name.starts_with("tmp_")) {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Moves a mirror out of the way; sandboxes that still see its objects keep them.
fn set_aside(git_dir: &Path, because_of: &str) -> io::Result<()> {
    let aside = git_dir.with_extension(format!("broken-{because_of}"));
    match fs::rename(git_dir, aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
