//! The dispatcher at its walls: rules as people write them, decisions, leases, words.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod control;
mod decisions;
mod fake_forge;
mod identity;
mod loops;
mod postgresql;
mod redeliver;
mod replay;
mod rules;
#[path = "../../../crates/store/tests/postgresql/server.rs"]
mod server;
mod support;
mod table;
mod text;
mod words;
