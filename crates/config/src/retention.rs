//! How long things are kept.

use std::time::Duration;

use schemas::automation::Span;

use crate::layer::section;
use crate::yaml::{Placed, Sources, YamlError};

section! {
    /// `retention:`
    RetentionFile { deliveries: Option<Placed<Span>>, logs: Option<Placed<Span>> }
}

/// How long the database keeps what came and what was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries with their events and decisions.
    pub deliveries: Duration,
    /// Logs of runs, from the run's end.
    pub logs: Duration,
}

impl RetentionFile {
    pub(crate) fn build(&self, sources: &Sources) -> Result<Retention, Box<YamlError>> {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let kept = |span: &Option<Placed<Span>>| match span {
            Some(span) if span.value.0 < DAY => {
                let what = format!("{} is too short to look into what went wrong", span.value);
                Err(sources.error_at(span.place, what).with_help("keep it for `1d` or longer").boxed())
            }
            Some(span) => Ok(span.value.0),
            None => Ok(DAY * 90),
        };
        Ok(Retention { deliveries: kept(&self.deliveries)?, logs: kept(&self.logs)? })
    }
}
