//! From deliveries to decisions and runs: a batch is one transaction, then it is acknowledged.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use broker::{ConsumeError, Consumer, Received};
use chrono::{DateTime, Utc};
use schemas::backoff::Backoff;
use schemas::decision::Verdict;
use schemas::delivery::Body;
use schemas::event::Identity;
use schemas::trace::TraceContext;
use schemas::{Decision, Delivery, DeliveryId, Event, WebhookName};
use store::{DeliveryStatus, NewDelivery, StoreError};
use tokio_util::sync::CancellationToken;

use crate::Dispatcher;
use crate::admit::Started;
use crate::commands;
use crate::decide::facts::Facts;
use crate::decide::{Context, Evaluation, decide};
use crate::portions::portions;
use crate::rules::{Rule, RuleSet};

/// Deliveries that are decided in one transaction, at the most.
const BATCH: usize = 256;
/// Days after which an event can no longer be told from a repeat.
pub(crate) const KEYS_KEPT_DAYS: i64 = 30;
/// The wait while the queue does not work.
const QUEUE_DOWN: Duration = Duration::from_secs(1);
/// Waits while the database does not answer.
pub(crate) const DATABASE_DOWN: Backoff =
    Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// Why consuming ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumeEnd {
    /// It was asked to.
    Stopped,
    /// There will be no more.
    QueueClosed,
}

/// A delivery with what could be made of it.
struct Parsed {
    delivery: Delivery,
    event: Result<Event, String>,
    keys: Vec<String>,
}

impl Parsed {
    /// The delivery that it repeats; a replay is meant to.
    fn repeats(&self, known: &HashMap<String, DeliveryId>) -> Option<DeliveryId> {
        let keys = if self.delivery.replay_of.is_some() { &[][..] } else { &self.keys };
        keys.iter().find_map(|key| known.get(key)).copied()
    }

    /// Whether keys that would show a repeat may be gone; a replay is not asked for them.
    fn stale(&self, event: &Event, now: DateTime<Utc>) -> Option<Verdict> {
        let days = (now - event.time?).num_days();
        let stale = days >= KEYS_KEPT_DAYS && self.delivery.replay_of.is_none();
        stale.then_some(Verdict::Stale { days })
    }
}

/// What a batch is decided on, and what becomes of it, before it is written.
struct Decided {
    rules: Arc<RuleSet>,
    /// Of each event, one for each candidate; none of what was known to be a repeat.
    evaluations: HashMap<DeliveryId, Vec<Evaluation>>,
    now: DateTime<Utc>,
    known: HashMap<String, DeliveryId>,
    rows: Vec<NewDelivery>,
    decisions: Vec<Decision>,
    starts: Vec<Started>,
}

impl Dispatcher {
    /// Takes deliveries until `stop`; a batch under way is finished first.
    pub async fn consume(&self, mut consumer: impl Consumer, stop: CancellationToken) -> ConsumeEnd {
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return ConsumeEnd::Stopped,
                batch = consumer.next(BATCH) => batch,
            };
            let batch = match batch {
                Ok(batch) => batch,
                Err(ConsumeError::Closed) => return ConsumeEnd::QueueClosed,
                Err(error) => {
                    tracing::error!(%error, "deliveries wait");
                    tokio::time::sleep(QUEUE_DOWN).await;
                    continue;
                }
            };
            for portion in portions(&batch) {
                let Some(last) = portion.last().map(|received| received.position) else { continue };
                let mut attempt = 0;
                while let Err(error) = self.take(portion).await {
                    tracing::error!(%error, "deliveries wait: the database does not answer");
                    let delay = DATABASE_DOWN.delay(attempt, u16::MAX);
                    attempt += 1;
                    tokio::select! {
                        () = stop.cancelled() => return ConsumeEnd::Stopped,
                        () = tokio::time::sleep(delay) => {}
                    }
                }
                // What is not acked comes again and is known by its id: an ack may fail.
                if let Err(error) = consumer.ack(last).await {
                    tracing::warn!(%error, "deliveries could not be acknowledged; they will come again");
                }
            }
        }
    }

    /// Decides a batch; when it fails as a whole, one by one, and the culprit is quarantined.
    async fn take(&self, batch: &[Received]) -> Result<(), StoreError> {
        let parsed: Vec<Parsed> = batch.iter().map(|received| self.parse(received)).collect();
        let Err(error) = self.decide_all(&parsed).await else { return Ok(()) };
        if error.is_transient() || self.store.ping().await.is_err() {
            return Err(error);
        }
        tracing::warn!(%error, size = parsed.len(), "a batch failed; its deliveries are tried one by one");
        for mut one in parsed {
            if let Err(error) = self.decide_all(std::slice::from_ref(&one)).await {
                if error.is_transient() {
                    return Err(error);
                }
                one.event = Err(format!("it could not be decided: {error}"));
                self.decide_all(std::slice::from_ref(&one)).await?;
            }
        }
        Ok(())
    }

    fn parse(&self, received: &Received) -> Parsed {
        let delivery = match &received.delivery {
            Ok(delivery) => delivery.clone(),
            Err(damaged) => return self.damaged(&damaged.bytes, damaged.to_string()),
        };
        let mut keys = Vec::new();
        // A parser that panics costs this delivery its decision, not its neighbours theirs.
        let event = catch_unwind(AssertUnwindSafe(|| self.read(&delivery, &mut keys)))
            .unwrap_or_else(|_| Err("the parser failed on it".to_owned()));
        // What was only looked at must not make the real one a repeat.
        if delivery.replay_of.is_some_and(|replay| replay.observe) {
            keys.clear();
        }
        Parsed { delivery, event, keys }
    }

    fn read(&self, delivery: &Delivery, keys: &mut Vec<String>) -> Result<Event, String> {
        let reading = self
            .settings
            .webhooks
            .get(&delivery.webhook)
            .ok_or_else(|| format!("the webhook `{}` is no longer configured", delivery.webhook))?;
        let raw = delivery.body.decompress().map_err(|error| error.to_string())?;
        let event = match &reading.mapping {
            Some(mapping) => senders::generic::parse(mapping, &reading.connection, delivery, &raw),
            None => senders::parse(reading.kind, &reading.connection, delivery, &raw),
        };
        let event = event.map_err(|error| error.to_string())?;
        let body = || format!("body:{}", delivery.body_key(&raw));
        let id = event.sender_id.as_ref().map(|id| format!("id:{}:{id}", delivery.webhook));
        match event.identity {
            // An unsigned id proves nothing: the same body under another one is the same delivery.
            Identity::Body => keys.extend(id.into_iter().chain([body()])),
            Identity::SenderId => keys.push(id.unwrap_or_else(body)),
            Identity::None => {}
        }
        keys.extend(event.semantic_key.as_ref().map(|key| format!("same:{key}")));
        Ok(event)
    }

    /// Bytes that are no delivery: kept under a fresh id for a person to look at.
    fn damaged(&self, bytes: &[u8], problem: String) -> Parsed {
        let delivery = Delivery {
            id: DeliveryId::fresh(&*self.clock),
            webhook: WebhookName("unreadable".to_owned()),
            received_at: self.clock.now(),
            headers: BTreeMap::new(),
            body: Body::compress(bytes),
            trace: TraceContext::default(),
            replay_of: None,
        };
        Parsed { delivery, event: Err(problem), keys: Vec::new() }
    }

    async fn decide_all(&self, batch: &[Parsed]) -> Result<(), StoreError> {
        let all_keys: Vec<String> = batch.iter().flat_map(|one| one.keys.iter().cloned()).collect();
        let known = self.store.known_keys(&all_keys).await?;
        let (rules, context) = (self.rules(), self.context().await?);
        let new = batch.iter().filter(|one| one.repeats(&known).is_none());
        let new: Vec<&Event> = new.filter_map(|one| one.event.as_ref().ok()).collect();
        let facts = self.gather(&rules, &context, new.iter().copied()).await;
        // Conditions may be slow, and everybody waits for a transaction.
        let evaluations = evaluate(&rules, &context, &facts, &new);
        let ids: Vec<DeliveryId> = batch.iter().map(|one| one.delivery.id).collect();
        let tx = self.store.begin().await?;
        let mut stored = tx.stored_deliveries(&ids).await?;
        let mut decided = Decided {
            rules,
            evaluations,
            now: self.clock.now(),
            known: tx.known_keys(&all_keys).await?,
            rows: Vec::new(),
            decisions: Vec::new(),
            starts: Vec::new(),
        };
        for one in batch {
            if stored.insert(one.delivery.id) {
                self.decide_one(one, &mut decided);
            }
        }
        let Decided { now, rows, mut decisions, starts, .. } = decided;
        tx.insert_deliveries(&rows, now).await?;
        let ids = rows.iter().map(|row| row.delivery.id);
        tx.insert_facts(ids.filter_map(|id| Some((id, facts.get(&id)?)))).await?;
        let woken = self.start(&tx, starts, &mut decisions, now).await?;
        let heard = batch.iter().filter(|one| !one.delivery.replay_of.is_some_and(|replay| replay.observe));
        let events = heard.filter_map(|one| one.event.as_ref().ok());
        self.plan_refusals(&tx, events.clone(), &decisions, now).await?;
        self.plan_answers(&tx, events, now).await?;
        tx.insert_decisions(&decisions).await?;
        tx.commit().await?;
        self.after_decisions(&decisions, woken);
        self.notice_push(batch.iter().filter_map(|one| one.event.as_ref().ok()));
        Ok(())
    }

    /// Counts decisions that were committed, and rings for what follows: `woken` when a run may be claimed.
    pub(crate) fn after_decisions(&self, decisions: &[Decision], woken: bool) {
        for decision in decisions {
            self.meters.decided(&decision.verdict);
        }
        if woken {
            self.wake_workers();
        }
        self.publish.notify_one();
    }

    /// Adds one delivery with its decisions to what will be written.
    fn decide_one(&self, one: &Parsed, decided: &mut Decided) {
        let repeats = one.repeats(&decided.known);
        decided.rows.push(self.row(one, repeats, &decided.rules.hash));
        let Ok(event) = &one.event else { return };
        if repeats.is_none() {
            for key in &one.keys {
                decided.known.entry(key.clone()).or_insert(one.delivery.id);
            }
        }
        let span = tracing::info_span!("dispatcher.decide", delivery = %event.id, event = %event.r#type);
        telemetry::trace::continue_from(&span, &one.delivery.trace);
        let _entered = span.entered();
        let evaluations = decided.evaluations.remove(&event.id).unwrap_or_default();
        let mut evaluations = evaluations.into_iter();
        for rule in decided.rules.candidates(event) {
            let evaluation = evaluations.next();
            let settled = repeats
                .map(|of| Verdict::Duplicate { of })
                .or_else(|| one.stale(event, decided.now))
                .or_else(|| taken_by_own_command(rule, event));
            let verdict = match settled.map(Evaluation::Verdict).or(evaluation) {
                Some(Evaluation::Match(matched)) => {
                    match Started::new(self, rule, event, matched, &one.delivery) {
                        Ok(started) => {
                            decided.starts.push(started);
                            continue;
                        }
                        Err(error) => Verdict::Error { message: error.to_string() },
                    }
                }
                Some(Evaluation::Verdict(verdict)) => verdict,
                Some(Evaluation::NeedsFacts(_)) | None => {
                    Verdict::Error { message: "nobody answered in time".to_owned() }
                }
            };
            let (delivery, automation) = (event.id, rule.automation.name.clone());
            decided.decisions.push(Decision { delivery, automation, verdict });
        }
    }

    fn row(&self, one: &Parsed, repeats: Option<DeliveryId>, rule_set: &str) -> NewDelivery {
        let (status, error) = match (&one.event, repeats) {
            (_, Some(_)) => (DeliveryStatus::Duplicate, None),
            (Ok(_), None) => (DeliveryStatus::Decided, None),
            (Err(problem), None) => (DeliveryStatus::Quarantined, Some(problem.clone())),
        };
        if let Some(problem) = &error {
            tracing::warn!(delivery = %one.delivery.id, problem, "delivery quarantined");
        }
        NewDelivery {
            delivery: one.delivery.clone(),
            status,
            duplicate_of: repeats,
            error,
            rule_set: one.event.is_ok().then(|| rule_set.to_owned()),
            event: one.event.as_ref().ok().cloned(),
            // Without keys a quarantined delivery can be sent again, once what it choked on is mended.
            keys: if repeats.is_none() && one.event.is_ok() { one.keys.clone() } else { Vec::new() },
        }
    }
}

fn evaluate(
    rules: &RuleSet,
    context: &Context,
    facts: &HashMap<DeliveryId, Facts>,
    events: &[&Event],
) -> HashMap<DeliveryId, Vec<Evaluation>> {
    let nothing = Facts::default();
    let all = |event: &Event| {
        let facts = facts.get(&event.id).unwrap_or(&nothing);
        rules.candidates(event).map(|rule| decide(rule, event, context, facts)).collect()
    };
    events.iter().map(|event| (event.id, all(event))).collect()
}

/// A command that Pullwright answers itself is none of an automation that listens for the same word.
fn taken_by_own_command(rule: &Rule, event: &Event) -> Option<Verdict> {
    let listens =
        rule.automation.on.iter().any(|entry| entry.command.iter().any(|command| command == commands::WORD));
    let own = commands::command(event).filter(|_| listens)?;
    Some(Verdict::NotMatched {
        clause: "command".to_owned(),
        wants: commands::WORD.to_owned(),
        value: format!("{}, which Pullwright answers itself", own.words()),
    })
}
