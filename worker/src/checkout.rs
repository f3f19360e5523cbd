//! From a claimed job to a workspace: one git process when the mirror is warm.

use std::path::Path;

use schemas::control::Job;
use schemas::run::Reason;

use crate::Worker;
use crate::ending::{Ending, with_sources};
use crate::git::{Call, GitError};
use crate::mirror::Mirror;
use crate::result::Snapshot;
use crate::retry::Pace;
use crate::stop::Interrupt;
use crate::workspace::RunFolder;

/// How often a fetch is tried again while the gate does not answer.
const FETCHES: u32 = 6;

/// A workspace that is ready for commands.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Where it borrows objects from.
    pub(crate) mirror: Mirror,
    /// How it looked.
    pub(crate) snapshot: Snapshot,
}

/// Lays out the folder and checks the base out.
///
/// # Errors
/// The job's ending.
pub(crate) async fn prepare(
    worker: &Worker,
    job: &Job,
    folder: &RunFolder,
    interrupt: &Interrupt,
) -> Result<Ready, Ending> {
    let refuse = |message: String| Ending::failed(Reason::CheckoutFailed { message });
    if let Some(given) = job.spec.working_directory.as_deref().filter(|path| !stays_below(path)) {
        return Err(refuse(format!("the working directory `{given}` is not below the repository's root")));
    }
    let mirror = worker.mirrors.of(&job.repository);
    let mirror = mirror.ok_or_else(|| refuse(format!("`{}` is not a repository's name", job.repository)))?;
    let owner = worker.settings.room_owner;
    off_thread({
        let (folder, job, mirror) = (folder.clone(), job.clone(), mirror.clone());
        move || folder.lay_out(&job, &mirror, owner.is_some())
    })
    .await?;
    match interrupt.any().run_until_cancelled(check_out(worker, job, folder, &mirror, interrupt)).await {
        Some(done) => done.map_err(|error| Ending::checkout(error, job))?,
        None => return Err(interrupted(interrupt)),
    }
    let snapshot = off_thread({
        let folder = folder.clone();
        move || folder.hand_over(owner)
    })
    .await?;
    Ok(Ready { mirror, snapshot })
}

async fn check_out(
    worker: &Worker,
    job: &Job,
    folder: &RunFolder,
    mirror: &Mirror,
    interrupt: &Interrupt,
) -> Result<(), GitError> {
    let workspace = folder.workspace();
    let git_dir = workspace.join(".git");
    // Index and files from the base in one go; what `.gitattributes` ask for is outranked by ours.
    let arguments = ["read-tree", "--reset", "-u", job.base.as_str()];
    let fill = || worker.git.run(Call::on(&git_dir, &arguments).work_tree(&workspace));
    // Trying is cheaper than asking whether the mirror has the base.
    match fill().await {
        Err(GitError::Failed(_)) => {}
        other => return other.map(drop),
    }
    let mut pace = Pace::default();
    loop {
        match worker.mirrors.fetch(mirror, job).await {
            Err(GitError::Unavailable(message)) if pace.tries() < FETCHES => {
                tracing::warn!(message, "the fetch is tried again");
                if !pace.wait(worker.clock.as_ref(), interrupt.any()).await {
                    return Err(GitError::Unavailable(message));
                }
            }
            fetched => break fetched?,
        }
    }
    fill().await.map(drop)
}

/// The ending that an interrupt asks for.
pub(crate) fn interrupted(interrupt: &Interrupt) -> Ending {
    interrupt.cause().map_or(Ending::Dropped, Ending::from)
}

/// Runs file work where it may block.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Ending> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Ending::internal(format!("the run's folder: {}", with_sources(&error)))),
        Err(error) => Err(Ending::internal(with_sources(&error))),
    }
}

/// Relative and without a way up.
fn stays_below(path: &str) -> bool {
    use std::path::Component::{CurDir, Normal};
    !path.contains('\0') && Path::new(path).components().all(|part| matches!(part, Normal(_) | CurDir))
}
