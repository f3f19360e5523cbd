//! HTTP in: what the internet can reach.
//!
//! [`serve`] is the one accept loop, for webhooks and for everything else that listens. A webhook
//! request goes through [`Intake`]: known name, right type, body within limits, genuine, JSON,
//! stored; and is answered 202 only then. Nothing is parsed and nothing is looked up here, so
//! that a parser's fault can never lose an event.

pub mod body;
mod client;
pub mod intake;
pub mod json;
mod open_files;
mod places;
mod rate;
mod refusal;
pub mod server;
mod storing;
mod watched;
mod webhook;

pub use intake::{Intake, IntakeLimits, Route};
pub use open_files::raise_open_files;
pub use rate::Rate;
pub use server::{ConnectionLimits, Stop, serve};
pub use webhook::router;
