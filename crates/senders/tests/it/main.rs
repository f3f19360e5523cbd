//! Sentry, Gitea, Bitbucket, Linear and Slack: verified, and understood.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure of a test is a panic"
)]

mod bitbucket;
mod bodies;
mod gitea;
mod handshakes;
mod linear;
mod mutations;
#[path = "../payloads/mod.rs"]
mod payloads;
mod schemes;
mod sentry;
mod slack;
mod world;
