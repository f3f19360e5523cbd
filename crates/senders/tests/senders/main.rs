//! GitLab, Jira and tools that are read by a mapping: what is believed, and what is read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure of a test is a panic")]

mod generic;
mod gitlab;
mod jira;
mod mutations;
#[path = "../payloads/mod.rs"]
mod payloads;
mod requests;
