//! Ingress from outside, over real TCP connections.
#![expect(clippy::unwrap_used, reason = "a failure of a test is a panic")]

mod crowd;
mod handshakes;
mod hostile;
mod limits;
mod memory;
mod protocol;
mod webhook;
mod world;

/// As in the program, so that figures about memory are its.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
