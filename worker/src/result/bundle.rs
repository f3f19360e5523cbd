//! A result as a git bundle (git-bundle(1)), and back again on another machine.
//!
//! What comes back is checked like what a sandbox left: nothing that is said of it is believed, all is
//! read from its objects.

use std::fs;
use std::io;

use bytes::Bytes;
use schemas::Oid;
use schemas::control::Job;
use schemas::report::ChangeReport;
use schemas::result_bundle::LARGEST;

use super::stream::RESULT_REF;
use super::{ResultError, check, describe};
use crate::git::{Call, Git, GitError, skeleton};
use crate::mirror::Mirror;
use crate::redact::Redactor;
use crate::workspace::RunFolder;

/// The objects of the result that its base does not have; `None` when they are too large.
pub(crate) async fn pack(git: &Git, folder: &RunFolder, base: &Oid) -> Result<Option<Bytes>, GitError> {
    let (repository, without) = (folder.result_git(), format!("^{base}"));
    let create = ["bundle", "create", "--quiet", "-", RESULT_REF, &without];
    let printed = git.run(Call::on(&repository, &create).output_cap(LARGEST)).await?;
    Ok((!printed.cut).then(|| printed.bytes.into()))
}

/// Makes the run's result of a bundle that brings `head`, as if it had been made here.
///
/// # Errors
/// When the bundle does not hold it whole, or it is not one commit on the job's base; then the run's
/// result is still to be made.
pub(crate) async fn restore(
    git: &Git,
    folder: &RunFolder,
    mirror: &Mirror,
    job: &Job,
    head: Oid,
    bundle: Bytes,
    redactor: &Redactor,
) -> Result<ChangeReport, ResultError> {
    let repository = folder.kept_git();
    tokio::task::spawn_blocking({
        let (folder, objects, base) = (folder.clone(), mirror.objects(), job.base.clone());
        move || lay_out(&folder, &objects, &base, &bundle)
    })
    .await??;
    let path = folder.kept_bundle();
    git.run(Call::on(&repository, &["bundle", "unbundle"]).path(&path)).await?;
    check(git, &repository).await?;
    let parents = ["rev-list", "--parents", "--max-count=1", head.as_str()];
    let parents = git.run(Call::on(&repository, &parents)).await?.bytes;
    if String::from_utf8_lossy(&parents).trim() != format!("{head} {}", job.base) {
        return Err(ResultError::Refused("it is not one commit on the run's base".to_owned()));
    }
    let change = describe(git, &repository, job.base.clone(), head, redactor).await?;
    if let Some(because) = job.limits.exceeded_by(&change.files) {
        return Err(ResultError::Refused(because));
    }
    fs::rename(&repository, folder.result_git())?;
    Ok(change)
}

/// A repository that borrows the mirror's objects and has the base, which the bundle stands on.
fn lay_out(folder: &RunFolder, objects: &std::path::Path, base: &Oid, bundle: &[u8]) -> io::Result<()> {
    let repository = folder.kept_git();
    skeleton::bare(&repository, Some(objects))?;
    fs::write(repository.join("refs/heads/base"), format!("{base}\n"))?;
    fs::write(folder.kept_bundle(), bundle)
}
