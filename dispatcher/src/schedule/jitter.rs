//! A delay that spreads the runs of one tick, the same on every dispatcher and every day.

use std::time::Duration;

use schemas::RepoRef;
use sha2::{Digest, Sha256};

/// How long after its tick the run for `repository` starts: at least zero, less than `jitter`.
///
/// `automation_id` is the id that survives a rename, so that the delay survives it too. Two
/// repositories get unrelated delays; one repository gets the same delay at every tick, so that its
/// runs keep the schedule's distance.
#[must_use]
pub fn offset(automation_id: &str, repository: &RepoRef, jitter: Duration) -> Duration {
    let mut hash = Sha256::new();
    hash.update(automation_id.as_bytes());
    hash.update([0]);
    hash.update(repository.to_string().as_bytes());
    let share = hash.finalize().iter().take(4).fold(0u128, |share, byte| share << 8 | u128::from(*byte));
    let millis = (jitter.as_millis() * share) >> 32;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
