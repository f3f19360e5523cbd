//! Time and randomness as arguments, so that every decision can be replayed.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Where the parts take time and fresh ids from.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time; may jump. For records, never for leases.
    fn now(&self) -> DateTime<Utc>;
    /// Time since an arbitrary start; never goes back. For leases and timeouts.
    fn monotonic(&self) -> Duration;
    /// A fresh id, ordered by creation time (UUID version 7).
    fn fresh_id(&self) -> Uuid;
    /// 256 random bits for credentials.
    fn secret_bytes(&self) -> [u8; 32];
}

/// The machine's clock and random source.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the raw clocks")]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of the raw clocks")]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
    fn fresh_id(&self) -> Uuid {
        Uuid::now_v7()
    }
    fn secret_bytes(&self) -> [u8; 32] {
        // Three version 4 UUIDs carry 366 random bits; hashing spreads 256 of them evenly.
        let mut hash = Sha256::new();
        for _ in 0..3 {
            hash.update(Uuid::new_v4().as_bytes());
        }
        hash.finalize().into()
    }
}

/// A clock that moves only when told, for tests and simulation.
#[derive(Debug)]
pub struct FakeClock {
    state: Mutex<FakeState>,
}

#[derive(Debug)]
struct FakeState {
    now: DateTime<Utc>,
    monotonic: Duration,
    counter: u128,
}

impl FakeClock {
    /// A clock that stands at `now`; ids count up from `seed`.
    #[must_use]
    pub fn new(now: DateTime<Utc>, seed: u64) -> Self {
        let counter = u128::from(seed) << 64;
        Self { state: Mutex::new(FakeState { now, monotonic: Duration::ZERO, counter }) }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.now += by;
        state.monotonic += by;
    }

    /// Moves the wall clock alone, as a time server's step does.
    pub fn step_wall(&self, to: DateTime<Utc>) {
        self.lock().now = to;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FakeState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn next(&self) -> u128 {
        let mut state = self.lock();
        state.counter += 1;
        state.counter
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().now
    }
    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }
    fn fresh_id(&self) -> Uuid {
        Uuid::from_u128(self.next())
    }
    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&self.next().to_be_bytes());
        bytes
    }
}
