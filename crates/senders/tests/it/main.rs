//! Every sender: what is believed, and what is read.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure of a test is a panic"
)]

mod bitbucket;
mod generic;
mod gitea;
mod github;
mod gitlab;
mod handshakes;
mod hostile;
mod jira;
mod large;
mod linear;
mod mutations;
mod payloads;
mod recorded;
mod requests;
mod schemes;
mod sentry;
mod slack;
mod world;
