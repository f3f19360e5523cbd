//! Every instrument, by what it counts. Names follow Prometheus' conventions once exported: dots
//! become `_`, counters end in `_total`, durations in `_seconds`.
//!
//! Labels come from closed sets or from the configuration, never from a request: a stranger must
//! not be able to make new time series.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use opentelemetry::{KeyValue, global};
use schemas::WebhookName;
use schemas::decision::Verdict;
use schemas::run::{Outcome, Step};

/// Seconds; an answer to a sender is late after ten.
const ANSWER: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Seconds; a forge call is cut at thirty.
const CALL: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds; from a cached checkout to the longest test suite.
const WORK: &[f64] = &[0.05, 0.25, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];

/// The instruments. Cheap to clone; without a provider they do nothing.
#[derive(Debug, Clone)]
pub struct Meters {
    webhook_requests: Counter<u64>,
    webhook_refusals: Counter<u64>,
    lost_places: Counter<u64>,
    webhook_duration: Histogram<f64>,
    queue_depth: Gauge<u64>,
    decisions: Counter<u64>,
    runs: Counter<u64>,
    runs_active: Gauge<u64>,
    run_duration: Histogram<f64>,
    step_duration: Histogram<f64>,
    forge_calls: Counter<u64>,
    forge_duration: Histogram<f64>,
}

impl Meters {
    /// Instruments of `meter`.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let counter = |name, what| meter.u64_counter(name).with_description(what).build();
        let gauge = |name, what| meter.u64_gauge(name).with_description(what).build();
        let seconds = |name, what, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_description(what).with_unit("s");
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        Self {
            webhook_requests: counter("pullwright.webhook.requests", "Requests to webhooks, by status"),
            webhook_refusals: counter(
                "pullwright.webhook.refusals",
                "Refused requests to webhooks, by reason",
            ),
            lost_places: counter(
                "pullwright.connections.lost_places",
                "Connections without a place, by what became of them",
            ),
            webhook_duration: seconds("pullwright.webhook.duration", "Time to answer a webhook", ANSWER),
            queue_depth: gauge("pullwright.queue.deliveries", "Deliveries that wait to be decided"),
            decisions: counter("pullwright.decisions", "Decisions, by verdict"),
            runs: counter("pullwright.runs", "Runs that ended, by outcome"),
            runs_active: gauge("pullwright.runs.active", "Runs that a worker holds"),
            run_duration: seconds(
                "pullwright.run.duration",
                "Time from a run's first claim to its end",
                WORK,
            ),
            step_duration: seconds("pullwright.step.duration", "Time of a run's steps", WORK),
            forge_calls: counter("pullwright.forge.calls", "Calls to forges, by operation and result"),
            forge_duration: seconds("pullwright.forge.duration", "Time of calls to forges", CALL),
        }
    }

    /// Instruments of the process's meter; they do nothing where none was started.
    #[must_use]
    pub fn global() -> Self {
        Self::new(&global::meter("pullwright"))
    }

    /// A request was answered with `status`. `None` stands for every name that is not configured.
    pub fn webhook_answered(&self, webhook: Option<&WebhookName>, status: u16, took: Duration) {
        let name = KeyValue::new("webhook", webhook.map_or_else(String::new, |name| name.0.clone()));
        self.webhook_requests.add(1, &[name.clone(), KeyValue::new("status", i64::from(status))]);
        self.webhook_duration.record(took.as_secs_f64(), &[name]);
    }

    /// A request was refused: `reason` is one of a closed set. `None` as in
    /// [`Meters::webhook_answered`].
    pub fn webhook_refused(&self, webhook: Option<&WebhookName>, reason: &'static str) {
        let name = KeyValue::new("webhook", webhook.map_or_else(String::new, |name| name.0.clone()));
        self.webhook_refusals.add(1, &[name, KeyValue::new("reason", reason)]);
    }

    /// A listener was full: a waiting connection was `displaced` by a new one, or the new one was
    /// `refused` or just `closed`.
    pub fn connection_lost_place(&self, fate: &'static str) {
        self.lost_places.add(1, &[KeyValue::new("fate", fate)]);
    }

    /// So many deliveries wait.
    pub fn queue_depth(&self, deliveries: u64) {
        self.queue_depth.record(deliveries, &[]);
    }

    /// One automation was decided for one delivery.
    pub fn decided(&self, verdict: &Verdict) {
        self.decisions.add(1, &[KeyValue::new("verdict", verdict.word())]);
    }

    /// Workers hold so many runs.
    pub fn runs_active(&self, runs: u64) {
        self.runs_active.record(runs, &[]);
    }

    /// A run ended; `took` counts from its first claim, if it had one.
    pub fn run_ended(&self, outcome: Outcome, took: Option<Duration>) {
        let labels = [KeyValue::new("outcome", outcome_word(outcome))];
        self.runs.add(1, &labels);
        if let Some(took) = took {
            self.run_duration.record(took.as_secs_f64(), &labels);
        }
    }

    /// A step of a run ended.
    pub fn step_ended(&self, step: Step, took: Duration) {
        self.step_duration.record(took.as_secs_f64(), &[KeyValue::new("step", step_word(step))]);
    }

    /// A forge was called: `op` is the operation's name, `result` `ok` or the kind of error.
    pub fn forge_called(&self, op: &'static str, result: &'static str, took: Duration) {
        let op = KeyValue::new("op", op);
        self.forge_calls.add(1, &[op.clone(), KeyValue::new("result", result)]);
        self.forge_duration.record(took.as_secs_f64(), &[op]);
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::NoChange => "no_change",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Unknown => "unknown",
    }
}

fn step_word(step: Step) -> &'static str {
    match step {
        Step::Claimed => "claimed",
        Step::Workspace => "workspace",
        Step::Gate => "gate",
        Step::Setup => "setup",
        Step::Commands => "commands",
        Step::Validate => "validate",
        Step::Result => "result",
        Step::Push => "push",
        Step::Publish => "publish",
    }
}
