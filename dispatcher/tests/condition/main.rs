//! Conditions and `${{ }}`: what they say of events, what is refused and how, and that none can do harm.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod hostile;
mod interpolate;
mod messages;
mod properties;
mod support;
mod table;
