//! The GitLab forge against a real HTTP server with state and real git.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod faults;
mod hooks;
mod lookups;
mod support;
