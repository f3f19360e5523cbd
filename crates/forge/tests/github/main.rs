//! The GitHub forge against a real HTTP server with state and real git.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod app;
mod calls;
mod faults;
mod git;
mod hooks;
mod lookups;
mod origin;
mod support;
