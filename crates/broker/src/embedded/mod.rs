//! The queue of one machine, in one file: `queue.db`, deliveries only, owned by this crate.
//!
//! One writer task commits what is waiting, up to a bound, in one transaction; who publishes waits
//! for that commit. Checkpoints run apart from it, and reading has a connection of its own. SQLite
//! in WAL mode with `synchronous=FULL`: a commit that returned survives a power cut.

mod batch;
mod checkpoint;
mod depth;
mod disk;
mod queue;
mod reader;
mod schema;
mod writer;

pub use depth::Depth;
pub use queue::{Queue, QueueLimits};
pub use reader::QueueConsumer;
pub use schema::OpenError;
