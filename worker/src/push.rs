//! The push: exactly the objects that the control plane granted, as often as it takes.

use schemas::control::{Job, PushGrant};
use schemas::report::ChangeReport;
use schemas::run::{Outcome, Reason};

use crate::Worker;
use crate::checkout::interrupted;
use crate::ending::Ending;
use crate::git::{Call, GitError};
use crate::retry::{Pace, until_answered};
use crate::stop::Interrupt;
use crate::workspace::RunFolder;

/// How often a push is tried again while the gate does not answer.
const PUSHES: u32 = 8;

/// Asks for leave and pushes.
///
/// From the grant on a cancel comes too late and a soft stop waits: only a lost lease or a hard stop
/// break it off.
pub(crate) async fn publish(
    worker: &Worker,
    job: &Job,
    folder: &RunFolder,
    change: &ChangeReport,
    interrupt: &Interrupt,
) -> Ending {
    let ask = || worker.control.grant_push(job.run, job.epoch, change.clone());
    let grant = match until_answered(worker.clock.as_ref(), interrupt.any(), ask).await {
        Some(Ok(grant)) => grant,
        Some(Err(error)) => return error.into(),
        None => return interrupted(interrupt),
    };
    let (reference, old, new) = match grant {
        PushGrant::Keep { reason: Reason::NothingChanged } => {
            return Ending::Finished(Outcome::NoChange, Reason::NothingChanged);
        }
        PushGrant::Keep { reason } => return Ending::Finished(Outcome::Succeeded, reason),
        PushGrant::Push { reference, old, new } => (reference, old, new),
    };
    if new != change.head || !reference.starts_with("refs/heads/") {
        return Ending::internal(format!("leave to push {new} to `{reference}` is not for this result"));
    }
    let refspec = format!("{new}:{reference}");
    // An empty value means that the branch must not be there.
    let expected = if old.is_zero() { "" } else { old.as_str() };
    let lease = format!("--force-with-lease={reference}:{expected}");
    let arguments = [
        "push",
        "--porcelain",
        "--no-verify",
        "--no-signed",
        "--no-follow-tags",
        "--recurse-submodules=no",
        &lease,
        "--",
        &job.git.url,
        &refspec,
    ];
    match interrupt.fatal().run_until_cancelled(push(worker, job, folder, &arguments, interrupt)).await {
        Some(Ok(())) => Ending::Finished(Outcome::Succeeded, Reason::Published),
        Some(Err(error)) => Ending::push(error, job),
        None => interrupted(interrupt),
    }
}

/// Repeats an unanswered push; one that did arrive is found up to date.
async fn push(
    worker: &Worker,
    job: &Job,
    folder: &RunFolder,
    arguments: &[&str],
    interrupt: &Interrupt,
) -> Result<(), GitError> {
    let repository = folder.result_git();
    let mut pace = Pace::default();
    loop {
        match worker.git.run(Call::on(&repository, arguments).access(&job.git)).await {
            Err(error) if error.is_transient() && pace.tries() < PUSHES => {
                tracing::warn!(%error, "the push is tried again");
                if !pace.wait(worker.clock.as_ref(), interrupt.fatal()).await {
                    return Err(error);
                }
            }
            other => return other.map(drop),
        }
    }
}
