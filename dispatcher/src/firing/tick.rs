//! One automation's due ticks made true: rows, deliveries, decisions and runs in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::decision::Verdict;
use schemas::delivery::Body;
use schemas::event::{EventType, Repository, SourceKind};
use schemas::{
    AutomationId, ConnectionName, Decision, Delivery, DeliveryId, Event, RepoRef, WebhookName, WorkItem,
};
use store::{DeliveryStatus, NewDelivery, StoreError, TickRow, TickState, Tx};

use super::due::{DueNow, Records, due_now};
use crate::Dispatcher;
use crate::admit::Started;
use crate::decide::facts::{DEADLINE, Facts};
use crate::decide::{Evaluation, decide_tick, open_pull_request};
use crate::rules::{Rule, RuleSet};
use crate::schedule::catch_up::{Look, horizon};
use crate::schedule::{Scheduled, Tick, jitter};

/// The webhook's name on deliveries that a schedule made.
pub const WEBHOOK: &str = "schedule";
/// The connection's name on their events.
const CONNECTION: &str = "pullwright";

/// An automation whose schedule is due.
pub(super) struct Automation<'a> {
    pub(super) id: AutomationId,
    pub(super) rule: &'a Rule,
    pub(super) schedules: Vec<Scheduled>,
    pub(super) repositories: Vec<RepoRef>,
    /// What was asked about them.
    pub(super) facts: Facts,
}

/// What the ticks of one automation make happen.
#[derive(Default)]
struct Made {
    rows: Vec<NewDelivery>,
    decisions: Vec<Decision>,
    starts: Vec<Started>,
}

impl Dispatcher {
    /// What has to be known about the repositories of a tick; an error when it is not answered.
    pub(super) async fn facts_of(&self, rule: &Rule, repositories: &[RepoRef]) -> Result<Facts, String> {
        let question = |repository| {
            let item = work_item(rule, repository);
            open_pull_request(rule, Some(&item), repository)
        };
        let mut facts = Facts::default();
        for (question, answer) in self.facts.find(repositories.iter().filter_map(question), DEADLINE).await {
            if let Err(problem) = &answer {
                return Err(format!("whether a pull request of ours is open is not known: {problem}"));
            }
            facts.insert(question, answer);
        }
        Ok(facts)
    }

    /// Fires and passes over what is due of one automation; false when `rules` are in force no more.
    pub(super) async fn record(
        &self,
        rules: &RuleSet,
        automation: &Automation<'_>,
        previous: Option<Look>,
        now: Look,
    ) -> Result<bool, StoreError> {
        let tx = self.store.begin().await?;
        if tx.active_hash().await?.as_deref() != Some(&rules.hash) {
            return Ok(false);
        }
        // Again, under the lock: another dispatcher may have been faster.
        let records = Records {
            activated: tx.timetables_of(automation.id).await?,
            newest: tx.newest_tick(automation.id, horizon(now.wall)).await?,
        };
        let due = due_now(&automation.schedules, &records, previous, now);
        let Made { rows, mut decisions, starts } = self.ticks(&tx, rules, automation, due, now.wall).await?;
        tx.insert_deliveries(&rows, now.wall).await?;
        let asked = rows.iter().filter(|_| !automation.facts.is_empty());
        tx.insert_facts(asked.map(|row| (row.delivery.id, &automation.facts))).await?;
        let woken = self.start(&tx, starts, &mut decisions, now.wall).await?;
        tx.insert_decisions(&decisions).await?;
        tx.commit().await?;
        self.after_decisions(&decisions, woken);
        Ok(true)
    }

    /// Takes the ticks that nobody took yet.
    async fn ticks(
        &self,
        tx: &Tx,
        rules: &RuleSet,
        automation: &Automation<'_>,
        due: DueNow,
        now: DateTime<Utc>,
    ) -> Result<Made, StoreError> {
        let name = &automation.rule.automation.name;
        let mut made = Made::default();
        for (tick, spread) in due.fire {
            let fired = self.deliveries_of(automation, rules, tick, now);
            let deliveries = fired.iter().map(|row| row.delivery.id).collect();
            let state = TickState::Fired;
            let row = TickRow { automation: automation.id, tick: tick.time(), state, at: now, deliveries };
            if !tx.record_tick(&row).await? {
                continue;
            }
            tracing::info!(automation = %name, %tick, repositories = automation.repositories.len(), "a schedule fired");
            for row in fired {
                self.decide_tick(automation, &row, spread, &mut made);
                made.rows.push(row);
            }
        }
        for (skipped, newest) in due.skipped {
            tracing::warn!(automation = %name, count = skipped.count, first = %skipped.first, last = %skipped.last, reason = ?skipped.reason, "ticks were passed over");
            if newest {
                let (tick, state) = (skipped.last.time(), TickState::Skipped);
                let row = TickRow { automation: automation.id, tick, state, at: now, deliveries: Vec::new() };
                tx.record_tick(&row).await?;
            }
        }
        Ok(made)
    }

    /// One delivery for each repository, or one that says that there is none.
    fn deliveries_of(
        &self,
        automation: &Automation<'_>,
        rules: &RuleSet,
        tick: Tick,
        now: DateTime<Utc>,
    ) -> Vec<NewDelivery> {
        let repositories: Vec<Option<&RepoRef>> = match automation.repositories.as_slice() {
            [] => vec![None],
            some => some.iter().map(Some).collect(),
        };
        let one = |repository: Option<&RepoRef>| {
            let id = DeliveryId::fresh(&*self.clock);
            NewDelivery {
                delivery: Delivery {
                    id,
                    webhook: WebhookName::from(WEBHOOK),
                    received_at: now,
                    headers: BTreeMap::new(),
                    body: Body::compress(&[]),
                    trace: telemetry::trace::current(),
                    replay_of: None,
                },
                status: DeliveryStatus::Decided,
                duplicate_of: None,
                error: None,
                rule_set: Some(rules.hash.clone()),
                event: Some(event(id, automation.rule, tick, repository)),
                keys: Vec::new(),
            }
        };
        repositories.into_iter().map(one).collect()
    }

    fn decide_tick(
        &self,
        automation: &Automation<'_>,
        row: &NewDelivery,
        spread: std::time::Duration,
        made: &mut Made,
    ) {
        let Some(event) = &row.event else { return };
        let verdict = match self.start_of(automation, event, row, spread) {
            Ok(start) => return made.starts.push(start),
            Err(verdict) => verdict,
        };
        let automation = automation.rule.automation.name.clone();
        made.decisions.push(Decision { delivery: event.id, automation, verdict });
    }

    /// The run that follows from a tick, or why none does.
    fn start_of(
        &self,
        automation: &Automation<'_>,
        event: &Event,
        row: &NewDelivery,
        spread: std::time::Duration,
    ) -> Result<Started, Verdict> {
        let error = |message: String| Verdict::Error { message };
        let repository = event.repository.as_ref().map(|repository| repository.name.clone());
        let repository = repository.ok_or_else(|| Verdict::NoRepository {
            because: "no repository that the connections can see matches `repos`".to_owned(),
        })?;
        let delay = jitter::offset(&automation.id.to_string(), &repository, spread);
        let matched = match decide_tick(automation.rule, event, repository, &automation.facts) {
            Evaluation::Match(matched) => matched,
            Evaluation::Verdict(verdict) => return Err(verdict),
            Evaluation::NeedsFacts(_) => return Err(error("nobody answered in time".to_owned())),
        };
        let start = Started::new(self, automation.rule, event, matched, &row.delivery)
            .map_err(|wrong| error(wrong.to_string()))?;
        Ok(if delay.is_zero() { start } else { start.not_before(row.delivery.received_at + delay) })
    }
}

/// A schedule's work in one repository.
fn work_item(rule: &Rule, repository: &RepoRef) -> WorkItem {
    WorkItem(format!("schedule:{}:{repository}", rule.automation.name))
}

/// `schedule.fired`: nobody's doing, about one repository.
fn event(id: DeliveryId, rule: &Rule, tick: Tick, repository: Option<&RepoRef>) -> Event {
    let connection = ConnectionName::from(CONNECTION);
    Event {
        time: Some(tick.time()),
        work_item: repository.map(|repository| work_item(rule, repository)),
        repository: repository
            .map(|repository| Repository { name: repository.clone(), default_branch: None }),
        ..Event::new(id, SourceKind::Pullwright, connection, EventType::ScheduleFired)
    }
}
