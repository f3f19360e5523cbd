//! HTTP in: what the internet can reach.
//!
//! [`serve`] is the one accept loop, for webhooks and for everything else that listens. A webhook
//! request goes through [`Intake`]: known name, right type, body within limits, genuine, JSON,
//! stored; and is answered 202 only then. Nothing is parsed and nothing is looked up here, so
//! that a parser's fault can never lose an event.

pub mod body;
pub mod intake;
pub mod json;
mod refusal;
pub mod server;
mod webhook;

pub use intake::{Intake, IntakeLimits, Rate, Route};
pub use server::{ConnectionLimits, Stop, serve};
pub use webhook::router;
