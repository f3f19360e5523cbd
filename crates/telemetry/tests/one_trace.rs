//! One trace spans several spans, threads and messages; with a collector and without.

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use proptest::prelude::*;
use schemas::trace::TraceContext;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// The second part of a traceparent.
fn trace_id(context: &TraceContext) -> &str {
    context.0.split('-').nth(1).unwrap_or_default()
}

fn with_provider(provider: &SdkTracerProvider, what: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(telemetry::trace::layer(provider));
    tracing::subscriber::with_default(subscriber, what);
}

#[test]
fn a_message_carries_the_trace_on() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    with_provider(&provider, || {
        let sent = info_span!("webhook").in_scope(telemetry::trace::current);
        let decide = info_span!("decide");
        telemetry::trace::continue_from(&decide, &sent);
        let sent = decide.in_scope(|| info_span!("inner").in_scope(telemetry::trace::current));
        let run = info_span!("run");
        telemetry::trace::continue_from(&run, &sent);
        run.in_scope(|| info_span!("step").in_scope(|| ()));
    });
    let spans = exporter.get_finished_spans().unwrap();
    let parent_of = |name: &str| {
        let span = spans.iter().find(|span| span.name == name).unwrap();
        let parent = spans.iter().find(|other| other.span_context.span_id() == span.parent_span_id);
        parent.map(|parent| parent.name.to_string())
    };
    assert_eq!(spans.len(), 5);
    assert!(spans.iter().all(|span| span.span_context.trace_id() == spans[0].span_context.trace_id()));
    let parents =
        ["webhook", "decide", "inner", "run", "step"].map(|name| parent_of(name).unwrap_or_default());
    assert_eq!(parents, ["", "webhook", "decide", "inner", "run"]);
}

#[test]
fn without_a_collector_ids_are_real_and_different() {
    let provider = SdkTracerProvider::builder().build();
    with_provider(&provider, || {
        let of = |name| info_span!("outer", name).in_scope(telemetry::trace::current);
        let (one, two) = (of("one"), of("two"));
        assert_eq!((one.0.len(), two.0.len()), (55, 55), "{one:?}");
        assert!(trace_id(&one).bytes().any(|b| b != b'0'));
        assert_ne!(trace_id(&one), trace_id(&two));
        let later = info_span!("later");
        telemetry::trace::continue_from(&later, &one);
        assert_eq!(trace_id(&later.in_scope(telemetry::trace::current)), trace_id(&one));
    });
}

#[test]
fn outside_of_spans_there_is_no_trace() {
    assert_eq!(telemetry::trace::current(), TraceContext::default());
}

#[tokio::test]
async fn a_task_keeps_its_trace_across_waits() {
    let provider = SdkTracerProvider::builder().build();
    let subscriber = tracing_subscriber::registry().with(telemetry::trace::layer(&provider));
    let _guard = tracing::subscriber::set_default(subscriber);
    let look = |name: &'static str| {
        async {
            let before = telemetry::trace::current();
            tokio::task::yield_now().await;
            (before, telemetry::trace::current())
        }
        .instrument(info_span!("task", name))
    };
    let (one, two) = tokio::join!(look("one"), look("two"));
    assert_eq!(one.0, one.1);
    assert_eq!(two.0, two.1);
    assert_ne!(trace_id(&one.0), trace_id(&two.0));
}

proptest! {
    #[test]
    fn a_damaged_context_starts_a_new_trace(text in "[0-9a-fA-F-]{0,60}|.*") {
        let provider = SdkTracerProvider::builder().build();
        with_provider(&provider, || {
            let span = info_span!("span");
            telemetry::trace::continue_from(&span, &TraceContext(text));
            assert_eq!(span.in_scope(telemetry::trace::current).0.len(), 55);
        });
    }
}
