//! One log line as one JSON object, with the ids of its trace.

use std::fmt::{self, Write};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp", "level", "target", "message", "trace_id", "span_id", "span": {…}, …fields}`.
/// An event's field does not replace one of these names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonLines;

impl<S> FormatEvent<S, JsonObjects> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        scope: &FmtContext<'_, S, JsonObjects>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), Value::String(now()?));
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        if let Some(message) = fields.0.remove("message") {
            line.insert("message".to_owned(), message);
        }
        // The tracing layer keeps OpenTelemetry's context in step with the entered span, whatever
        // this layer's filter hides.
        let context = Context::current();
        let span = context.span().span_context().clone();
        if span.is_valid() {
            line.insert("trace_id".to_owned(), span.trace_id().to_string().into());
            line.insert("span_id".to_owned(), span.span_id().to_string().into());
        }
        if let Some(span) = spans(scope) {
            line.insert("span".to_owned(), Value::Object(span));
        }
        for (name, value) in fields.0 {
            line.entry(name).or_insert(value);
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// A span's fields: one JSON object for those it began with, and a further one for each time that
/// more were recorded. Spans are many and lines are few, so it is the lines that put them together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonObjects;

impl<'writer> FormatFields<'writer> for JsonObjects {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, given: R) -> fmt::Result {
        let mut fields = Fields(Map::new());
        given.record(&mut fields);
        write!(writer, "{}", Value::Object(fields.0))
    }
}

/// The name of the innermost span and the fields of all of them, inner over outer.
fn spans<S>(scope: &FmtContext<'_, S, JsonObjects>) -> Option<Map<String, Value>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut all = Map::new();
    for span in scope.event_scope()?.from_root() {
        let extensions = span.extensions();
        if let Some(objects) = extensions.get::<FormattedFields<JsonObjects>>() {
            let objects = serde_json::Deserializer::from_str(objects).into_iter::<Map<_, _>>();
            all.extend(objects.flatten().flatten());
        }
        all.insert("name".to_owned(), span.name().into());
    }
    Some(all)
}

fn now() -> Result<String, fmt::Error> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    Ok(text)
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut next = value.source();
        while let Some(cause) = next {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {cause}");
            next = cause.source();
        }
        self.put(field, text);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
