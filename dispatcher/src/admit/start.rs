//! From a match to a run at its first gate.

use chrono::{DateTime, Utc};
use schemas::automation::{Debounce, Mode, OnFull};
use schemas::decision::Verdict;
use schemas::run::{Gate, RunInput, RunState, Transition};
use schemas::trace::TraceContext;
use schemas::{Decision, Delivery, Event, Run, RunId, WorkItem};
use store::{Candidate, Near, RunRecord, StoreError, Tx};

use super::breaker::Breaker;
use super::debounce;
use super::line::{Turn, day_of};
use crate::Dispatcher;
use crate::control::branch;
use crate::decide::Matched;
use crate::interpolate::{self, RenderError, Values};
use crate::rules::Rule;

/// A match that becomes a run, or would in `observe` mode.
pub(crate) struct Started {
    pub(super) run: Run,
    command_label: Option<String>,
    pub(super) commanded: bool,
    pub(super) answers: bool,
}

impl Started {
    /// The run of a match, or why its texts cannot be rendered for the event.
    pub(crate) fn new(
        dispatcher: &Dispatcher,
        rule: &Rule,
        event: &Event,
        matched: Matched,
        delivery: &Delivery,
    ) -> Result<Self, RenderError> {
        let Matched { repository, command_label, depth, commanded, answers } = matched;
        let id = RunId::fresh(&*dispatcher.clock);
        let work_item = event
            .work_item
            .clone()
            .unwrap_or_else(|| WorkItem(format!("{}:{}", repository.connection, repository.path)));
        let trace = telemetry::trace::current();
        let observed = delivery.replay_of.is_some_and(|replay| replay.observe);
        let now = dispatcher.clock.now();
        let setup = (dispatcher.settings.repository_setup)(&repository);
        let values = Values { run: id, automation: &rule.automation, event, repository: &repository };
        let automation = interpolate::automation(&values)?;
        let input = RunInput { automation, event: event.clone(), setup };
        let mut run =
            Run::new(id, input, work_item, repository, branch::own(&rule.automation, event, id), now);
        run.reserved = rule.automation.budget.as_ref().and_then(|budget| budget.run_usd).unwrap_or_default();
        run.depth = depth;
        if observed {
            run.mode = Mode::Observe;
        }
        run.trace = if trace == TraceContext::default() { delivery.trace.clone() } else { trace };
        Ok(Self { run, command_label, commanded, answers })
    }

    /// Holds the run back until then: the spread of a schedule.
    pub(crate) fn not_before(mut self, at: DateTime<Utc>) -> Self {
        self.run.state = RunState::Pending { gate: Gate::Schedule, due_at: Some(at) };
        self
    }
}

/// The runs that one counts with: a kind first, so that no name of one's own is taken for another's.
fn group(run: &Run) -> String {
    let Some(concurrency) = &run.input.automation.concurrency else { return String::new() };
    match concurrency.group.as_deref() {
        None | Some("automation") => format!("automation {}", run.automation),
        Some("work_item") => format!("work_item {}", run.root),
        Some("repo") => format!("repo {}", run.repository),
        Some(own) => format!("group {own}"),
    }
}

impl Dispatcher {
    /// Stores the runs of a batch with their decisions and first writes; true when one may be claimed.
    pub(crate) async fn start(
        &self,
        tx: &Tx,
        mut starts: Vec<Started>,
        decisions: &mut Vec<Decision>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if starts.is_empty() {
            return Ok(false);
        }
        // All links first: a later event may name what an earlier one is about.
        let mut items = Vec::new();
        for start in starts.iter().filter(|start| start.run.mode != Mode::Observe) {
            self.link_references(tx, &start.run, now).await?;
            items.push(start.run.work_item.clone());
        }
        let roots = tx.roots(&items).await?;
        for Started { run, .. } in &mut starts {
            if let Some(root) = roots.get(&run.work_item).filter(|_| run.mode != Mode::Observe) {
                run.root = root.clone();
            }
            run.group = group(run);
        }
        let near = Near {
            roots: starts.iter().map(|start| start.run.root.clone()).collect(),
            groups: starts
                .iter()
                .map(|start| start.run.group.clone())
                .filter(|group| !group.is_empty())
                .collect(),
        };
        // Whoever waits already goes first.
        let mut any_queued = self.admit(tx, Some(&near), now).await?;
        let mut breaker = Breaker::of(tx, &near.roots, now).await?;
        for start in starts {
            let (delivery, automation) = (start.run.delivery, start.run.automation.clone());
            let verdict = match start.run.mode {
                Mode::Observe => {
                    let paused = breaker.refuses(&start);
                    paused.unwrap_or(Verdict::Matched { run: None })
                }
                _ => self.take_in(tx, start, &mut breaker, now).await?,
            };
            any_queued |= matches!(verdict, Verdict::Matched { run: Some(_) });
            decisions.push(Decision { delivery, automation, verdict });
        }
        Ok(any_queued)
    }

    async fn take_in(
        &self,
        tx: &Tx,
        start: Started,
        breaker: &mut Breaker,
        now: DateTime<Utc>,
    ) -> Result<Verdict, StoreError> {
        let run = &start.run;
        let held_back = matches!(run.state, RunState::Pending { .. });
        let more = run.input.automation.debounce.clone().filter(|_| !held_back);
        if let Some(debounce) = &more
            && let Some(waiting) = tx.debouncing(&run.automation, &run.root).await?
        {
            return self.merge(tx, waiting, start, debounce, now).await;
        }
        if let Some(full) = self.group_is_full(tx, run).await? {
            return Ok(full);
        }
        if let Some(paused) = breaker.refuses(&start) {
            return Ok(paused);
        }
        let Started { mut run, command_label, .. } = start;
        let matched = Verdict::Matched { run: Some(run.id) };
        let verdict = if held_back {
            matched
        } else if let Some(debounce) = &more {
            let due_at = Some(debounce::due(debounce, now, now));
            run.state = RunState::Pending { gate: Gate::Debounce, due_at };
            matched
        } else if run.input.automation.run.approval.is_some() {
            run.state = RunState::Pending { gate: Gate::Approval, due_at: Some(now) };
            matched
        } else {
            self.supersede(tx, &run, now).await?;
            self.first_turn(tx, &mut run, now).await?
        };
        tracing::info!(run = %run.id, automation = %run.automation, work_item = %run.work_item, "run accepted");
        tx.insert_runs(std::slice::from_ref(&run)).await?;
        let event = run.input.event.clone();
        self.plan_acknowledgement(tx, RunRecord::new(run), &event, command_label, now).await?;
        Ok(verdict)
    }

    /// A new run's place in line, taken at once where it is free.
    async fn first_turn(&self, tx: &Tx, run: &mut Run, now: DateTime<Utc>) -> Result<Verdict, StoreError> {
        let candidate = Candidate::new(run);
        let mut line = self.line(tx, std::slice::from_ref(&candidate), now).await?;
        if let Some(last) = tx.last_in_line(&run.root).await? {
            line.put_ahead(run.root.clone(), last);
        }
        let id = run.id;
        Ok(match line.turn(&candidate) {
            Turn::Goes => {
                run.state = RunState::Queued { wake_at: now };
                run.admitted_at = Some(now);
                Verdict::Matched { run: Some(id) }
            }
            Turn::Behind(behind) => {
                run.state = RunState::Pending { gate: Gate::Concurrency, due_at: None };
                Verdict::Waiting { run: id, behind }
            }
            Turn::OverBudget(limit) => {
                run.state = RunState::Pending { gate: Gate::Budget, due_at: Some(day_of(now).end) };
                Verdict::OverBudget { run: id, limit }
            }
        })
    }

    /// `on_full: skip`: why no run is made, where the group is full.
    async fn group_is_full(&self, tx: &Tx, run: &Run) -> Result<Option<Verdict>, StoreError> {
        let concurrency = run.input.automation.concurrency.clone().unwrap_or_default();
        if concurrency.on_full != Some(OnFull::Skip) {
            return Ok(None);
        }
        let limit = concurrency.limit.unwrap_or(1);
        let members = tx.group_members(&run.group).await?;
        let (Some(oldest), true) = (members.first(), members.len() >= limit as usize) else {
            return Ok(None);
        };
        let more = match members.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Ok(Some(Verdict::NotMatched {
            clause: "concurrency".to_owned(),
            wants: format!("fewer than {limit} run(s) of `{}`", run.group),
            value: format!("run {oldest}{more}"),
        }))
    }

    /// Adds a match to the run that waits for more of the same.
    async fn merge(
        &self,
        tx: &Tx,
        mut waiting: RunRecord,
        start: Started,
        debounce: &Debounce,
        now: DateTime<Utc>,
    ) -> Result<Verdict, StoreError> {
        let Started { run: new, command_label, .. } = start;
        let into = waiting.run.id;
        tx.add_run_event(into, new.delivery, now).await?;
        let due_at = Some(debounce::due(debounce, waiting.run.created_at, now));
        let longer = Transition::Wait { gate: Gate::Debounce, due_at };
        if let Ok(state) = waiting.run.state.next(longer, waiting.epoch) {
            waiting.run.state = state;
        }
        let event = new.input.event;
        if debounce::newer(&event, &waiting.run.input.event) {
            waiting.run.input.event = event.clone();
            waiting.run.actor = new.actor;
        }
        tx.save_whole_run(&waiting).await?;
        self.plan_acknowledgement(tx, waiting, &event, command_label, now).await?;
        Ok(Verdict::Debounced { into })
    }
}
