//! Asking again when there was no answer: growing pauses, until somebody says stop.

use std::time::Duration;

use schemas::Clock;
use schemas::backoff::Backoff;
use schemas::control::ControlError;
use tokio_util::sync::CancellationToken;

/// One call to the control plane takes no longer.
const CALL: Duration = Duration::from_secs(30);
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(10) };

/// Counts tries and paces them.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    tries: u32,
}

impl Pace {
    /// How many pauses there were.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// Waits before the next try; `false` when `give_up` came first.
    pub(crate) async fn wait(&mut self, clock: &dyn Clock, give_up: &CancellationToken) -> bool {
        let [.., high, low] = *clock.fresh_id().as_bytes();
        let delay = BACKOFF.delay(self.tries, u16::from_be_bytes([high, low]));
        self.tries = self.tries.saturating_add(1);
        give_up.run_until_cancelled(tokio::time::sleep(delay)).await.is_some()
    }
}

/// One call with a deadline: no answer in time is no answer.
pub(crate) async fn in_time<T>(
    call: impl Future<Output = Result<T, ControlError>>,
) -> Result<T, ControlError> {
    match tokio::time::timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Err(ControlError::Unavailable { message: format!("no answer in {} s", CALL.as_secs()) }),
    }
}

/// Calls until there is an answer; `None` when `give_up` came first. Only for calls that may be
/// repeated: the control plane tells a repeat by run, epoch and content.
pub(crate) async fn until_answered<T, F>(
    clock: &dyn Clock,
    give_up: &CancellationToken,
    mut call: impl FnMut() -> F,
) -> Option<Result<T, ControlError>>
where
    F: Future<Output = Result<T, ControlError>>,
{
    let mut pace = Pace::default();
    loop {
        match give_up.run_until_cancelled(in_time(call())).await? {
            Err(ControlError::Unavailable { message }) => {
                tracing::debug!(message, "the control plane does not answer; trying again");
                if !pace.wait(clock, give_up).await {
                    return None;
                }
            }
            answer => return Some(answer),
        }
    }
}
