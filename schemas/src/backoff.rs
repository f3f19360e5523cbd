//! How long to wait before the next try: a pure function.

use std::time::Duration;

/// Exponential delays with a cap, and jitter chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Delay before the first retry.
    pub first: Duration,
    /// No delay is longer.
    pub cap: Duration,
}

impl Backoff {
    /// The delay before retry number `attempt` (0 is the first), between half and all of the
    /// exponential value; `jitter` picks the place, 0 the shortest and `u16::MAX` the longest.
    #[must_use]
    pub fn delay(self, attempt: u32, jitter: u16) -> Duration {
        let factor = 2u32.saturating_pow(attempt.min(30));
        let full = self.first.saturating_mul(factor).min(self.cap);
        let half = full / 2;
        half + half.mul_f64(f64::from(jitter) / f64::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_above_the_cap_and_never_below_half(attempt in 0u32..100, jitter: u16) {
            let backoff = Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(60) };
            let delay = backoff.delay(attempt, jitter);
            prop_assert!(delay <= backoff.cap);
            prop_assert!(delay >= Duration::from_millis(100));
        }
    }
}
