//! The shipped binary from outside: processes, HTTP, signed webhooks, git and bubblewrap are real;
//! only GitHub is a stand-in.
//!
//! Tests that run commands need bubblewrap and fail without it; `PULLWRIGHT_SKIP_SANDBOX=1` leaves
//! them out, for runners that report the skipped group themselves.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure of a test is a panic")]

mod admission;
mod backup;
mod cancel;
mod command_line;
mod configuration;
mod crash;
mod deliveries;
mod door;
mod forge_faults;
mod git_gate;
mod handover;
mod loops;
mod main_job;
mod migrations;
mod on_rabbitmq;
mod one_problem;
mod other_sources;
mod postgresql;
mod roles;
mod runs;
mod schedules;
#[path = "../../crates/store/tests/postgresql/server.rs"]
mod server;
mod stopping;
mod support;
mod telemetry;
mod workers;
