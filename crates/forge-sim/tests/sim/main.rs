//! The sim from outside: REST, git and webhooks as a client sees them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod binary;
mod git;
mod gitlab;
mod rest;
mod support;
mod webhooks;
