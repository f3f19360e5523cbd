//! Log lines on standard error.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::json::{JsonLines, JsonObjects};
use crate::setup::TelemetryError;

/// What is logged unless `RUST_LOG` says otherwise: our own doings, and of libraries what somebody
/// has to look at. octocrab logs every failed call as an error, lapin bodies that
/// came back; ours are logged where handled.
const DEFAULT: &str = "info,hyper=warn,hyper_util=warn,h2=warn,reqwest=warn,rustls=warn,tower=warn,\
tower_http=warn,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,octocrab=off,lapin=off,opentelemetry=warn,\
opentelemetry_sdk=warn,opentelemetry_otlp=warn";

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// A layer that writes to standard error what `filter` (or the default) lets through.
pub(crate) fn layer<S>(
    format: Format,
    filter: Option<&str>,
) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let text = filter.filter(|text| !text.trim().is_empty()).unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(text)
        .map_err(|source| TelemetryError::Filter { given: text.to_owned(), source })?;
    let terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr);
    let human = fmt::format::debug_fn(human).delimited(" ");
    Ok(match format {
        Format::Human => lines.fmt_fields(human).with_ansi(terminal).with_filter(filter).boxed(),
        Format::Auto if terminal => lines.fmt_fields(human).with_ansi(true).with_filter(filter).boxed(),
        Format::Json | Format::Auto => {
            lines.fmt_fields(JsonObjects).event_format(JsonLines).with_filter(filter).boxed()
        }
    })
}

/// One field for people. A value may come from outside: it must not steer the terminal, nor look
/// like a line of its own.
fn human(writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug) -> std::fmt::Result {
    if field.name() != "message" {
        write!(writer, "{}=", field.name())?;
    }
    for c in format!("{value:?}").chars() {
        match c {
            c if c.is_control() => write!(writer, "{}", c.escape_default())?,
            c => writer.write_char(c)?,
        }
    }
    Ok(())
}
