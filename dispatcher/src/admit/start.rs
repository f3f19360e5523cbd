//! From a match to a run.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::automation::Mode;
use schemas::decision::Verdict;
use schemas::run::{Gate, RunInput, RunState};
use schemas::trace::TraceContext;
use schemas::{Decision, Delivery, Event, Run, RunId, WorkItem};
use store::{RunRecord, StoreError, Tx};

use super::breaker::Breaker;
use crate::Dispatcher;
use crate::decide::Matched;
use crate::rules::Rule;

/// A match that becomes a run, or would in `observe` mode.
pub(crate) struct Started {
    run: Run,
    command_label: Option<String>,
    commanded: bool,
}

impl Started {
    pub(crate) fn new(
        dispatcher: &Dispatcher,
        rule: &Rule,
        event: &Event,
        matched: Matched,
        delivery: &Delivery,
    ) -> Self {
        let Matched { repository, command_label, depth, commanded } = matched;
        let id = RunId::fresh(&*dispatcher.clock);
        let work_item = event
            .work_item
            .clone()
            .unwrap_or_else(|| WorkItem(format!("{}:{}", repository.connection, repository.path)));
        let trace = telemetry::trace::current();
        let observed = delivery.replay_of.is_some_and(|replay| replay.observe);
        let now = dispatcher.clock.now();
        let setup = (dispatcher.settings.repository_setup)(&repository);
        let input = RunInput { automation: rule.automation.clone(), event: event.clone(), setup };
        let mut run = Run::new(id, input, work_item, repository, branch(rule, event, id), now);
        run.depth = depth;
        if observed {
            run.mode = Mode::Observe;
        }
        run.trace = if trace == TraceContext::default() { delivery.trace.clone() } else { trace };
        Self { run, command_label, commanded }
    }
}

/// `<prefix><automation>/<item>-<end of the run's id>`: ours in every part, unique to the run.
fn branch(rule: &Rule, event: &Event, run: RunId) -> String {
    let output = rule.automation.output.pull_request.clone().unwrap_or_default();
    let prefix = output.branch_prefix();
    let id = run.0.simple().to_string();
    let end = id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_owned();
    let slug = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let key: String =
        event.item.iter().flat_map(|item| item.key.chars()).filter(|c| slug(*c)).take(40).collect();
    let dash = if key.is_empty() { "" } else { "-" };
    format!("{prefix}{}/{key}{dash}{end}", rule.automation.name)
}

impl Dispatcher {
    /// Stores the runs of a batch with their decisions and first writes; true when one may be claimed.
    pub(crate) async fn start(
        &self,
        tx: &Tx,
        starts: Vec<Started>,
        decisions: &mut Vec<Decision>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if starts.is_empty() {
            return Ok(false);
        }
        let items: Vec<WorkItem> = starts.iter().map(|start| start.run.work_item.clone()).collect();
        let mut busy: HashMap<WorkItem, RunId> = tx.unfinished_runs(&items).await?.into_iter().collect();
        let roots: Vec<WorkItem> = starts.iter().map(|start| start.run.root.clone()).collect();
        let mut breaker = Breaker::of(tx, &roots, now).await?;
        let mut runs = Vec::new();
        let mut labels = Vec::new();
        let mut any_queued = false;
        for Started { mut run, command_label, commanded } in starts {
            let refused = breaker.refuses(&run, commanded);
            let started = refused.is_none() && run.mode != Mode::Observe;
            let verdict = if let Some(refused) = refused {
                refused
            } else if run.mode == Mode::Observe {
                Verdict::Matched { run: None }
            } else if let Some(behind) = busy.insert(run.work_item.clone(), run.id) {
                run.state = RunState::Pending { gate: Gate::Concurrency, due_at: None };
                Verdict::Waiting { run: run.id, behind }
            } else {
                any_queued = true;
                Verdict::Matched { run: Some(run.id) }
            };
            decisions.push(Decision { delivery: run.delivery, automation: run.automation.clone(), verdict });
            if started {
                tracing::info!(run = %run.id, automation = %run.automation, work_item = %run.work_item, "run accepted");
                runs.push(run);
                labels.push(command_label);
            }
        }
        tx.insert_runs(&runs).await?;
        for (run, label) in runs.into_iter().zip(labels) {
            self.plan_acknowledgement(tx, RunRecord::new(run), label, now).await?;
        }
        Ok(any_queued)
    }
}
