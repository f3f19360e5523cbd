//! Automations as people write them: what loads, what is refused and how that is shown.

mod defaults;
mod documents;
mod files;
mod index;
mod mistakes;
mod support;
