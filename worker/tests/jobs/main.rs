//! Whole jobs: real git, a hostile tree, a control plane that misbehaves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod bubblewrap;
mod faults;
mod handover;
mod happy;
mod hostile;
mod stopping;
mod support;
mod traps;
