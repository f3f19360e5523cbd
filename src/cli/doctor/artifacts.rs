//! Is the artifact store one that results can be kept in?

use ::artifacts::Artifacts;
use schemas::Clock;
use store::chain;

use super::Check;

const NAME: &str = "artifacts";

/// Writes, reads and removes one small object.
pub(super) async fn all(artifacts: &Artifacts, clock: &dyn Clock) -> Check {
    // Its own name: two who look at the same time do not find the other's.
    let object = format!("doctor/{}", clock.fresh_id());
    match artifacts.probe(&object).await {
        Ok(()) => Check::ok(NAME, format!("{artifacts} writes, reads and deletes")),
        Err(error) => Check::warn(
            NAME,
            format!("{artifacts}: {}", chain(&error)),
            "check `artifacts`, its keys and what they may do; without it a lost worker's run begins anew",
        ),
    }
}
