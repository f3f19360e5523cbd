//! How often a webhook may be called: a steady rate with room for bursts.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter, clock};
use schemas::Clock;

/// A steady rate with room for bursts; beyond it 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Deliveries a minute in the long run.
    pub per_minute: NonZeroU32,
    /// Deliveries at once.
    pub burst: NonZeroU32,
}

/// A [`Rate`] at work.
pub(crate) struct Limiter {
    limiter: RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Duration>>,
    clock: Monotonic,
}

/// Our clock, as the limiter reads it.
#[derive(Clone)]
struct Monotonic(Arc<dyn Clock>);

impl clock::Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

impl Limiter {
    pub(crate) fn new(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        let clock = Monotonic(clock);
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// When it comes too early, with the time until one may come; it is not counted then.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let now = clock::Clock::now(&self.clock);
        self.limiter.check().map_err(|early| early.wait_time_from(now))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}
