//! The dispatcher at its walls: rules as people write them, decisions, leases, words.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure of a test is a panic")]

mod admission;
mod backtest;
mod branches;
mod conditions;
mod conformance;
mod control;
mod decisions;
mod explain;
mod fake_forge;
mod firing;
mod identity;
mod links;
mod loops;
mod over_http;
mod postgresql;
mod publishing;
mod redeliver;
mod replay;
mod retention;
#[path = "../../../crates/store/tests/postgresql/server.rs"]
mod server;
mod support;
mod table;
mod text;
mod words;
mod workers;
