//! Automations as people write them: what loads, what is refused and how that is shown.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure is a failed test")]

mod defaults;
mod documents;
mod examples;
mod files;
mod index;
mod json_schema;
mod mistakes;
mod support;
