//! How often an address may show something that is no credential.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Failures within a [`WINDOW`]; then the address waits for its end.
const ALLOWED: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered; beyond it those whose window is over make room.
const ADDRESSES: usize = 4096;

/// Failures by address, on the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Failures(HashMap<IpAddr, (Duration, u32)>);

impl Failures {
    /// Whether the address failed too often.
    pub(super) fn too_many(&self, from: IpAddr, now: Duration) -> bool {
        self.0.get(&from).is_some_and(|(since, count)| *count >= ALLOWED && now < *since + WINDOW)
    }

    /// Counts one more.
    pub(super) fn note(&mut self, from: IpAddr, now: Duration) {
        if self.0.len() >= ADDRESSES {
            self.0.retain(|_, (since, _)| now < *since + WINDOW);
            if self.0.len() >= ADDRESSES {
                return;
            }
        }
        let (since, count) = self.0.entry(from).or_insert((now, 0));
        if now >= *since + WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_waits_for_the_end_of_its_window() {
        let mut failures = Failures::default();
        let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for second in 0..u64::from(ALLOWED) {
            assert!(!failures.too_many(one, Duration::from_secs(second)), "{second}");
            failures.note(one, Duration::from_secs(second));
        }
        assert!(failures.too_many(one, Duration::from_secs(59)));
        assert!(!failures.too_many(other, Duration::from_secs(59)));
        assert!(!failures.too_many(one, Duration::from_secs(60)));
        failures.note(one, Duration::from_secs(60));
        assert!(!failures.too_many(one, Duration::from_secs(61)));
    }
}
