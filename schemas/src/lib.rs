//! The vocabulary every part speaks. No I/O, no clock, no randomness: both are arguments.
//!
//! Read it in the order of an event's life: a [`Delivery`] arrives, becomes an [`Event`], meets
//! [`Automation`]s, leaves a [`Decision`] for each, and may start a [`Run`] that a worker owns
//! through the [`ControlPlane`].

pub mod amqp;
pub mod automation;
pub mod backoff;
pub mod clock;
pub mod control;
pub mod decision;
pub mod delivery;
pub mod event;
pub mod id;
pub mod intent;
pub mod mapping;
pub mod report;
pub mod result_bundle;
pub mod run;
mod source_kind;
pub mod trace;
pub mod untrusted;
pub mod worker_api;

pub use automation::Automation;
pub use clock::{Clock, SystemClock};
pub use control::ControlPlane;
pub use decision::Decision;
pub use delivery::Delivery;
pub use event::Event;
pub use id::{
    AutomationId, AutomationName, ConnectionName, DeliveryId, Epoch, IntentId, Oid, Pool, RepoRef, RunId,
    WebhookName, WorkItem, WorkerName,
};
pub use intent::Intent;
pub use report::Report;
pub use run::Run;
pub use untrusted::Untrusted;
