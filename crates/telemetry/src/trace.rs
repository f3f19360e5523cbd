//! One trace from webhook to comment: reading the current one, and going on with one that came in
//! a message. The wire form is W3C Trace Context, <https://www.w3.org/TR/trace-context/>.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use schemas::trace::TraceContext;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// The header's name, also in messages.
const TRACEPARENT: &str = "traceparent";

/// A layer that gives every span of level info and above a trace id and hands it to `provider`.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // What the exporter's own HTTP client does must not become spans to export.
    let quiet = ["hyper", "hyper_util", "h2", "reqwest", "rustls", "opentelemetry", "opentelemetry_sdk"];
    let filter =
        quiet.into_iter().fold(Targets::new().with_default(tracing::Level::INFO), |filter, target| {
            filter.with_target(target, tracing::level_filters::LevelFilter::OFF)
        });
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("pullwright"));
    // A span's name says where it is; the rest would be collected for every span, exported or not.
    spans.with_location(false).with_threads(false).with_tracked_inactivity(false).with_filter(filter)
}

/// The trace of the span that is entered here, to be put into messages and rows; empty outside of
/// every span.
#[must_use]
pub fn current() -> TraceContext {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return TraceContext::default();
    }
    // Version 00. Written here because the propagator goes through a map, and this is on every
    // webhook's way.
    TraceContext(format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags()))
}

/// Makes `span` go on with the trace that a message carried. Call it before the span is entered:
/// afterwards its trace is fixed. An empty or damaged context leaves the span as it is.
pub fn continue_from(span: &Span, from: &TraceContext) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), from.0.clone())]);
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if !parent.span().span_context().is_valid() {
        return;
    }
    if let Err(error) = span.set_parent(parent) {
        tracing::debug!(%error, "a span could not go on with the trace of its message");
    }
}
