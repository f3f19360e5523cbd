//! Starting and stopping it all, once per process.

use std::time::Duration;

use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Encoder, Registry, TextEncoder};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::log::{self, Format};
use crate::metrics::Meters;
use crate::trace;

/// How long a stopping process waits for its last spans and metrics to leave.
const LAST_EXPORT: Duration = Duration::from_secs(5);

/// What a process calls itself and how it logs.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Its name in traces and metrics, unless `OTEL_SERVICE_NAME` says another.
    pub service: &'a str,
    /// Its version there.
    pub version: &'a str,
    /// How log lines look.
    pub format: Format,
}

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` cannot be read.
    #[error("RUST_LOG is `{given}`, which is no filter; write it like `info` or `info,worker=debug`")]
    Filter {
        /// What it says.
        given: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The OTLP variables (`OTEL_EXPORTER_OTLP_…`) cannot be honoured.
    #[error("traces or metrics cannot be exported; check the variables OTEL_EXPORTER_OTLP_…")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The Prometheus side could not be set up.
    #[error("metrics cannot be collected")]
    Metrics(#[from] opentelemetry_sdk::error::OTelSdkError),
    /// It was started before.
    #[error("telemetry was started before in this process")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// The running telemetry of this process.
#[derive(Debug)]
pub struct Telemetry {
    tracer: SdkTracerProvider,
    meter: SdkMeterProvider,
    registry: Registry,
}

/// Starts logging, tracing and metrics for the whole process. Reads `RUST_LOG` and the
/// `OTEL_…` variables.
///
/// # Errors
/// When one of these variables cannot be honoured, or it was called before.
pub fn init(options: Options<'_>) -> Result<Telemetry, TelemetryError> {
    let (tracer, meter, registry) = providers(&options)?;
    let lines = log::layer(options.format, std::env::var("RUST_LOG").ok().as_deref())?;
    tracing_subscriber::registry().with(trace::layer(&tracer)).with(lines).try_init()?;
    global::set_meter_provider(meter.clone());
    Ok(Telemetry { tracer, meter, registry })
}

fn providers(
    options: &Options<'_>,
) -> Result<(SdkTracerProvider, SdkMeterProvider, Registry), TelemetryError> {
    let resource = resource(options);
    let registry = Registry::new();
    let prometheus = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()?;
    let mut meter = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(prometheus);
    let mut tracer = SdkTracerProvider::builder().with_resource(resource);
    if wanted("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") {
        meter = meter.with_periodic_exporter(MetricExporter::builder().with_http().build()?);
    }
    if wanted("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        tracer = tracer.with_batch_exporter(SpanExporter::builder().with_http().build()?);
    }
    Ok((tracer.build(), meter.build(), registry))
}

/// Whether somebody said where to export to; without it nothing leaves this machine.
fn wanted(signal_endpoint: &str) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set(signal_endpoint) || set("OTEL_EXPORTER_OTLP_ENDPOINT")
}

fn resource(options: &Options<'_>) -> Resource {
    let resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", options.version.to_owned()));
    // The builder has read this variable; a name of ours would override it.
    match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource.build(),
        None => resource.with_service_name(options.service.to_owned()).build(),
    }
}

impl Telemetry {
    /// The instruments.
    #[must_use]
    pub fn meters(&self) -> Meters {
        use opentelemetry::metrics::MeterProvider;
        Meters::new(&self.meter.meter("pullwright"))
    }

    /// All metrics in Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let mut out = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::warn!(%error, "metrics could not be written as text");
        }
        String::from_utf8(out).unwrap_or_default()
    }

    /// Sends what is still to be sent, for at most some seconds. Blocks: call it before the
    /// runtime ends and off its threads.
    pub fn shutdown(&self) {
        let traces = self.tracer.shutdown_with_timeout(LAST_EXPORT);
        let metrics = self.meter.shutdown_with_timeout(LAST_EXPORT);
        for error in [traces.err(), metrics.err()].into_iter().flatten() {
            tracing::warn!(%error, "the last traces or metrics were not exported");
        }
    }
}
