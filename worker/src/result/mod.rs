//! What the sandbox left, turned into a commit.
//!
//! The host never runs git on files that a sandbox could write. The workspace is compared with the
//! base as plain data, the difference becomes a `fast-import` stream, and git sees that stream and
//! its own objects only, in a repository outside the sandbox.

mod base;
pub(crate) mod bundle;
mod compare;
mod describe;
mod guard;
mod ignored;
mod names;
mod snapshot;
mod stream;
mod tree;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use schemas::control::Job;
use schemas::report::ChangeReport;
use schemas::{Oid, Untrusted};

use crate::git::{Call, Git, GitError, Printed, skeleton};
use crate::mirror::{Mirror, Mirrors};
use crate::redact::Redactor;
use crate::workspace::RunFolder;

pub(crate) use snapshot::Snapshot;

/// Why there is no commit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultError {
    /// It may not be published.
    #[error("the result is refused: {0}")]
    Refused(String),
    /// The workspace could not be read, or the stream not written.
    #[error("the workspace could not be read")]
    Io(#[from] io::Error),
    /// Git could not make the commit.
    #[error("the commit could not be made")]
    Git(#[from] GitError),
    /// Git printed what it never prints.
    #[error(transparent)]
    Tree(#[from] base::UnreadableTree),
    /// The comparison ended with a panic.
    #[error("the comparison with the base broke off")]
    Broken(#[from] tokio::task::JoinError),
}

/// Makes one commit on `job.base` in the run's trusted repository; `None` when nothing changed.
///
/// # Errors
/// When the result may not be published, or could not be made.
pub(crate) async fn commit(
    git: &Git,
    folder: &RunFolder,
    (mirrors, mirror): (&Mirrors, &Mirror),
    job: &Job,
    snapshot: Snapshot,
    redactor: &Redactor,
) -> Result<Option<ChangeReport>, ResultError> {
    let listing = mirrors.listing(mirror, &job.base).await?;
    whole(&listing)?;
    let stream = folder.import_stream();
    let compared = tokio::task::spawn_blocking({
        let (job, folder, objects) = (job.clone(), folder.clone(), mirror.objects());
        move || compare(&folder, &objects, &job, &listing.bytes, &snapshot)
    });
    if !compared.await?? {
        return Ok(None);
    }
    let repository = folder.result_git();
    let head = import(git, &repository, &stream).await?;
    check(git, &repository).await?;
    let change = describe(git, &repository, job.base.clone(), head, redactor).await?;
    match job.limits.exceeded_by(&change.files) {
        Some(because) => Err(ResultError::Refused(because)),
        None => Ok(Some(change)),
    }
}

/// Writes the import stream; `false` when the workspace is as the base.
fn compare(
    folder: &RunFolder,
    objects: &Path,
    job: &Job,
    listing: &[u8],
    snapshot: &Snapshot,
) -> Result<bool, ResultError> {
    let tree = tree::Tree::open(&folder.workspace())?;
    let base = base::Base::parse(listing)?;
    let guard = guard::Guard::new(&job.setup.protected_paths)?;
    let stream = stream::Stream::create(&folder.import_stream())?;
    let comparison = compare::Comparison { tree: &tree, base: &base, snapshot, guard, stream };
    let changed = comparison.run()?.finish(&job.base, &job.commit)?;
    if changed {
        skeleton::bare(&folder.result_git(), Some(objects))?;
    }
    Ok(changed)
}

/// Imports the stream and returns the commit's id.
async fn import(git: &Git, repository: &Path, stream: &Path) -> Result<Oid, ResultError> {
    let call = Call::on(repository, &["fast-import", "--quiet", "--done"]).input(File::open(stream)?);
    let printed = git.run(call).await?;
    let id = String::from_utf8_lossy(&printed.bytes);
    let id = id.trim().parse();
    id.map_err(|_| GitError::Failed("fast-import named no commit".to_owned()).into())
}

/// `fsck --strict` of the new objects alone, which is what `receive.fsckObjects` does on a server.
async fn check(git: &Git, repository: &Path) -> Result<(), ResultError> {
    let index = repository.join("checked.idx");
    for pack in packs(repository)? {
        let call = Call::on(repository, &["index-pack", "--strict", "-o"]).path(&index).path(&pack);
        match git.run(call).await {
            Err(GitError::Failed(message)) => {
                return Err(ResultError::Refused(format!("git's check of it failed: {message}")));
            }
            other => other?,
        };
    }
    Ok(())
}

fn packs(repository: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(repository.join("objects/pack"))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension() == Some("pack".as_ref())).collect())
}

async fn describe(
    git: &Git,
    repository: &Path,
    base: Oid,
    head: Oid,
    redactor: &Redactor,
) -> Result<ChangeReport, ResultError> {
    let diff_tree = |how: &[&'static str]| {
        let plain = ["diff-tree", "-r", "--no-renames", "--no-ext-diff", "--no-textconv"];
        [&plain, how, &[base.as_str(), head.as_str()]].concat()
    };
    let (counts, patch) = (diff_tree(&["--numstat", "-z"]), diff_tree(&["--patch"]));
    let (of_head, tree) = (format!("{head}^{{tree}}"), ["rev-parse", "--verify"]);
    let tree = [&tree[..], &[of_head.as_str()]].concat();
    let (counts, patch, tree) = tokio::join!(
        git.run(Call::on(repository, &counts)),
        git.run(Call::on(repository, &patch).output_cap(describe::DIFF_CAP)),
        git.run(Call::on(repository, &tree)),
    );
    let (counts, patch) = (counts?, patch?);
    whole(&counts)?;
    let tree = String::from_utf8_lossy(&tree?.bytes).trim().parse().ok();
    let (diff, diff_cut) = describe::diff(&patch, &mut redactor.lines());
    let (files, diff) = (describe::files(&counts.bytes), Untrusted::new(diff));
    Ok(ChangeReport { files, diff, diff_cut, head, base, tree })
}

/// Refuses output that is only useful when all of it is there.
fn whole(printed: &Printed) -> Result<(), ResultError> {
    if printed.cut {
        return Err(ResultError::Refused("the repository is too large to compare".to_owned()));
    }
    Ok(())
}
