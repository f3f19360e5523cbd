//! Logs, traces and metrics of one process.
//!
//! Logs go to standard error, for people on a terminal and as JSON elsewhere. Every span has a real
//! trace id, also where nothing collects traces, so that logs and records can name it. Traces and
//! metrics are exported over OTLP only when `OTEL_EXPORTER_OTLP_ENDPOINT` (or a signal's own
//! variable) says where to; metrics are always there as Prometheus text.

mod json;
mod log;
pub mod metrics;
mod setup;
pub mod trace;

pub use log::Format;
pub use metrics::Meters;
pub use setup::{Options, Telemetry, TelemetryError, init};
