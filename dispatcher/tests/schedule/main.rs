//! Schedules: texts, daylight saving, catching up, wrong clocks.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure is a failed test")]

mod catch_up;
mod clock_steps;
mod croner_oracle;
mod jitter;
mod mistakes;
mod naive;
mod properties;
mod support;
mod transitions;
mod upcoming;
mod zones;
