//! What workers reach over HTTP.

pub mod git;
mod push_commands;
