//! Real git over HTTP, a stateful control plane in memory, and a shell in place of the sandbox.

pub mod control;
pub mod git_server;
pub mod shell;
pub mod site;

pub use control::{FakeControl, Fault};
pub use shell::Shell;
pub use site::Site;
