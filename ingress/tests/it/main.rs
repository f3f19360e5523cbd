//! Ingress from outside, over real TCP connections.
#![expect(clippy::unwrap_used, reason = "a failure of a test is a panic")]

mod hostile;
mod webhook;
mod world;
