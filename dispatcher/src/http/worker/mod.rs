//! What workers reach over HTTP.

pub mod control;
mod failures;
pub mod git;
mod identity;
mod message;
mod push_commands;
mod result;
mod run_calls;
