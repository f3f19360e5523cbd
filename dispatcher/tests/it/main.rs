//! The dispatcher at its walls: rules as people write them, decisions, leases, words.

mod control;
mod decisions;
mod fake_forge;
mod rules;
mod support;
mod words;
