//! What the rest of the house relies on, on each kind of database: `crate::open` makes an empty one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::automation::{Automation, AutomationFile};
use schemas::control::Beat;
use schemas::control::{LogLine, Stream};
use schemas::decision::Verdict;
use schemas::delivery::Body;
use schemas::event::{Event, EventType, SourceKind};
use schemas::run::{Gate, Outcome, Reason, RepositorySetup, Run, RunInput, RunState, Step, Transition};
use schemas::trace::TraceContext;
use schemas::{
    AutomationId, AutomationName, ConnectionName, Decision, Delivery, DeliveryId, Epoch, Pool, RepoRef,
    RunId, Untrusted, WebhookName, WorkItem, WorkerName,
};
use store::{
    ActiveRuleSet, DeliveryStatus, LeaseView, Near, NewDelivery, Pulse, RunRecord, Store, Thread, TickRow,
    TickState,
};

use crate::open;

mod intents;
mod kept_results;
mod links;
mod migrations;
mod retention;
mod sums;
mod workers;

pub fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T10:00:00.123456Z").unwrap().to_utc()
}

pub fn id(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

fn event(number: u128) -> Event {
    let connection = ConnectionName::from("github");
    Event {
        time: Some(now()),
        work_item: Some(WorkItem::from("github:acme/api#12")),
        label: Some(Untrusted::new("nul \0 inside")),
        ..Event::new(DeliveryId(id(number)), SourceKind::Github, connection, EventType::IssueLabeled)
    }
}

pub fn delivery(number: u128, keys: &[&str]) -> NewDelivery {
    NewDelivery {
        delivery: Delivery {
            id: DeliveryId(id(number)),
            webhook: WebhookName::from("github"),
            received_at: now(),
            headers: BTreeMap::from([("x-github-event".into(), "issues".into())]),
            body: Body::compress(b"{}"),
            trace: TraceContext("00-1-2-01".into()),
            replay_of: None,
        },
        status: DeliveryStatus::Decided,
        duplicate_of: None,
        error: None,
        rule_set: Some("hash".into()),
        event: Some(event(number)),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    }
}

fn automation() -> Automation {
    let file = serde_json::json!({
        "version": 1,
        "automations": [{
            "name": "fix", "on": [{ "source": "github", "event": "issue.labeled" }], "run": { "commands": ["true"] },
        }],
    });
    serde_json::from_value::<AutomationFile>(file).unwrap().automations.remove(0)
}

pub fn run(number: u128, item: &str, state: RunState) -> Run {
    let input = RunInput { automation: automation(), event: event(1), setup: RepositorySetup::default() };
    let repository = "github/acme/api".parse::<RepoRef>().unwrap();
    let created = now() + TimeDelta::seconds(i64::try_from(number).unwrap());
    let branch = "pullwright/fix/12".into();
    let run = Run::new(RunId(id(number)), input, WorkItem::from(item), repository, branch, created);
    Run { state, ..run }
}

pub fn queued() -> RunState {
    RunState::Queued { wake_at: now() }
}

pub async fn insert_runs(store: &Store, runs: &[Run]) {
    let tx = store.begin().await.unwrap();
    tx.insert_runs(runs).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_delivery_comes_back_as_it_went_in_and_its_keys_are_known() {
    let (store, _place) = open().await;
    let new = delivery(1, &["a", "b"]);
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(std::slice::from_ref(&new), now()).await.unwrap();
    // A key that is known already stays with its first delivery.
    tx.insert_deliveries(&[delivery(2, &["b", "c"])], now()).await.unwrap();
    tx.commit().await.unwrap();

    let found = store.delivery(DeliveryId(id(1))).await.unwrap().unwrap();
    assert_eq!(found.delivery, new.delivery);
    assert_eq!(found.event, new.event);
    let tx = store.begin().await.unwrap();
    let keys: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let known = tx.known_keys(&keys).await.unwrap();
    assert_eq!(known.get("b"), Some(&DeliveryId(id(1))));
    assert_eq!(known.len(), 3);
    let stored = tx.stored_deliveries(&[DeliveryId(id(2)), DeliveryId(id(3))]).await.unwrap();
    assert_eq!(stored.into_iter().collect::<Vec<_>>(), [DeliveryId(id(2))]);
}

#[tokio::test]
async fn text_with_nul_is_stored_without_it() {
    let (store, _place) = open().await;
    let mut new = delivery(1, &["key \0 one"]);
    new.error = Some("cannot read \0".into());
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[new], now()).await.unwrap();
    // Asked for as it came, it is found as it was stored.
    assert_eq!(tx.known_keys(&["key \0 one".to_owned()]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    let found = store.delivery(DeliveryId(id(1))).await.unwrap().unwrap();
    assert_eq!(found.error.as_deref(), Some("cannot read \u{fffd}"));
}

#[tokio::test]
async fn a_transaction_has_the_database_to_itself() {
    let (store, _place) = open().await;
    insert_runs(&store, &[run(1, "x", queued())]).await;
    let next = AtomicU32::new(0);
    // Each reads the number that is there and writes the next: lost updates would show.
    let one = async || {
        let tx = store.begin().await.unwrap();
        let mut record = tx.lock_run(RunId(id(1))).await.unwrap().unwrap();
        let newest = tx.last_in_line(&WorkItem::from("x")).await.unwrap().unwrap();
        tx.insert_runs(&[run(newest.0.as_u128() + 1, "x", queued())]).await.unwrap();
        record.run.workers_lost += 1;
        tx.save_run(&record).await.unwrap();
        tx.commit().await.unwrap();
        next.fetch_add(1, Ordering::Relaxed);
    };
    tokio::join!(one(), one(), one(), one(), one(), one());
    assert_eq!(next.into_inner(), 6);
    assert_eq!(store.run(RunId(id(1))).await.unwrap().unwrap().run.workers_lost, 6);
    assert_eq!(store.runs(50, None, None).await.unwrap().items.len(), 7);
}

#[tokio::test]
async fn an_uncommitted_transaction_leaves_no_trace() {
    let (store, _place) = open().await;
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    drop(tx);
    assert_eq!(store.delivery_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_large_batch_fits_into_statements() {
    let (store, _place) = open().await;
    let keys: Vec<Vec<String>> = (0..256).map(|n| (0..3).map(|k| format!("{n}-{k}")).collect()).collect();
    let batch: Vec<NewDelivery> =
        (0..256).map(|n| NewDelivery { keys: keys[n].clone(), ..delivery(n as u128 + 1, &[]) }).collect();
    let decisions: Vec<Decision> = (0..256)
        .flat_map(|n| {
            (0..50).map(move |a| Decision {
                delivery: DeliveryId(id(n + 1)),
                automation: AutomationName(format!("a{a}")),
                verdict: Verdict::Matched { run: None },
            })
        })
        .collect();
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&batch, now()).await.unwrap();
    tx.insert_decisions(&decisions).await.unwrap();
    assert_eq!(tx.known_keys(&keys.concat()).await.unwrap().len(), 768);
    tx.commit().await.unwrap();
    assert_eq!(store.decisions(DeliveryId(id(9))).await.unwrap().len(), 50);
}

#[tokio::test]
async fn pages_follow_each_other_newest_first() {
    let (store, _place) = open().await;
    let tx = store.begin().await.unwrap();
    let batch: Vec<_> = (1..=7).map(|n| delivery(n, &[])).collect();
    tx.insert_deliveries(&batch, now()).await.unwrap();
    tx.commit().await.unwrap();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.deliveries(3, before).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.id.0.as_u128()));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn a_run_keeps_every_field_through_its_states() {
    let (store, _place) = open().await;
    insert_runs(&store, &[run(1, "x", RunState::Pending { gate: Gate::Concurrency, due_at: None })]).await;
    let steps = [
        Transition::Admit { wake_at: now() },
        Transition::Claim,
        Transition::Advance { epoch: Epoch(1), step: Step::Commands },
        Transition::Requeue { epoch: Epoch(1), wake_at: now() },
        Transition::Finish { outcome: Outcome::Failed, reason: Reason::TimedOut { after_seconds: 9 } },
    ];
    for transition in steps {
        let tx = store.begin().await.unwrap();
        let mut record = tx.lock_run(RunId(id(1))).await.unwrap().unwrap();
        record.run.state = record.run.state.next(transition, record.epoch).unwrap();
        if let RunState::Active { epoch, .. } = record.run.state {
            record.epoch = epoch;
        }
        record.worker = Some(WorkerName::from("w"));
        record.run.base = Some("a".repeat(40).parse().unwrap());
        tx.save_run(&record).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.run(RunId(id(1))).await.unwrap().unwrap(), record);
    }
}

#[tokio::test]
async fn one_claim_wins_and_epochs_only_rise() {
    let (store, _place) = open().await;
    let mut on_gpu = run(2, "y", queued());
    on_gpu.input.automation.run.pool = Some("gpu".into());
    insert_runs(&store, &[run(1, "x", queued()), on_gpu]).await;
    let worker = WorkerName::from("w");
    let claim = async |nonce: &str| {
        let seen = store.run(RunId(id(1))).await.unwrap().unwrap();
        let claimed = seen.claimed(&worker, nonce, now())?;
        store.begin_epoch(&claimed).await.unwrap().then_some(claimed)
    };
    let pool = Pool::default();
    assert_eq!(store.claimable(&pool, now() - TimeDelta::seconds(1), 5).await.unwrap(), []);
    assert_eq!(store.claimable(&pool, now(), 5).await.unwrap(), [RunId(id(1))]);
    assert_eq!(store.claimable(&Pool::from("gpu"), now(), 5).await.unwrap(), [RunId(id(2))]);
    assert_eq!(store.due_runs(now()).await.unwrap(), [(pool, 1), (Pool::from("gpu"), 1)].into());
    let (one, two) = tokio::join!(claim("a"), claim("b"));
    assert_eq!([&one, &two].into_iter().flatten().count(), 1);
    let winner = one.or(two).unwrap();
    assert_eq!(winner.epoch, Epoch(1));
    assert_eq!(store.claimed_with(winner.nonce.as_deref().unwrap()).await.unwrap(), Some(winner));

    let tx = store.begin().await.unwrap();
    assert_eq!(
        tx.beat(RunId(id(1)), Epoch(1), Beat { number: 5, ..Beat::default() }).await.unwrap(),
        Some(Pulse { cancel_requested: false, over_limit: None })
    );
    assert_eq!(tx.beat(RunId(id(1)), Epoch(2), Beat { number: 5, ..Beat::default() }).await.unwrap(), None);
    tx.commit().await.unwrap();
    let leases = store.leases().await.unwrap();
    assert_eq!((leases[0].epoch, leases[0].beat), (Epoch(1), 5));

    let tx = store.begin().await.unwrap();
    let seen = leases[0];
    let heard_of_since = LeaseView { beat: 4, ..seen };
    assert_eq!(tx.lock_lease(&heard_of_since).await.unwrap(), None);
    for past in [LeaseView { epoch: Epoch(0), ..seen }, LeaseView { step: Step::Commands, ..seen }] {
        assert_eq!(tx.lock_lease(&past).await.unwrap(), None);
    }
    assert_eq!(tx.lock_lease(&seen).await.unwrap().unwrap().run.id, seen.run);
}

#[tokio::test]
async fn a_step_is_noted_forwards_for_the_holder_alone() {
    let (store, _place) = open().await;
    let at = |step| RunState::Active { step, epoch: Epoch(0) };
    insert_runs(&store, &[run(1, "x", at(Step::Setup)), run(2, "y", queued())]).await;
    let note = async |run, epoch, step| store.note_step(RunId(id(run)), Epoch(epoch), step).await.unwrap();
    assert!(note(1, 0, Step::Commands).await);
    assert!(note(1, 0, Step::Commands).await, "a repeat");
    assert!(!note(1, 0, Step::Setup).await);
    assert!(!note(1, 1, Step::Result).await);
    assert!(!note(2, 0, Step::Workspace).await);
    assert_eq!(store.run(RunId(id(1))).await.unwrap().unwrap().run.state, at(Step::Commands));
    assert!(Step::ALL.is_sorted());
}

#[tokio::test]
async fn the_first_in_line_of_each_free_item_is_next() {
    let (store, _place) = open().await;
    let waiting = || RunState::Pending { gate: Gate::Concurrency, due_at: None };
    let debouncing = RunState::Pending { gate: Gate::Debounce, due_at: Some(now()) };
    let grouped = |run: Run, group: &str| Run { group: group.into(), ..run };
    let runs = [
        run(1, "x", queued()),
        run(2, "x", waiting()),
        run(3, "x", waiting()),
        run(4, "y", debouncing),
        grouped(run(5, "y", waiting()), "g"),
        grouped(run(6, "z", queued()), "g"),
    ];
    insert_runs(&store, &runs).await;
    let tx = store.begin().await.unwrap();
    let heads = async |near: Option<&Near>| {
        tx.heads(near).await.unwrap().iter().map(|head| head.run.0.as_u128()).collect::<Vec<_>>()
    };
    let near = |roots: &[&str], groups: &[&str]| Near {
        roots: roots.iter().map(|root| WorkItem::from(*root)).collect(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    assert_eq!(heads(None).await, [5], "x is busy, and the first of y does not stand in line");
    assert_eq!(heads(Some(&near(&["x"], &[]))).await, [0; 0]);
    assert_eq!(heads(Some(&near(&[], &["g"]))).await, [5]);
    assert_eq!(tx.last_in_line(&WorkItem::from("x")).await.unwrap(), Some(RunId(id(3))));
    assert_eq!(tx.under_way(&["g".into()]).await.unwrap(), [("g".into(), RunId(id(6)))]);
    assert_eq!(tx.group_members("g").await.unwrap(), [RunId(id(5)), RunId(id(6))]);
    let mut first = tx.lock_run(RunId(id(1))).await.unwrap().unwrap();
    first.run.state = RunState::Done { outcome: Outcome::NoChange, reason: Reason::NothingChanged };
    tx.save_run(&first).await.unwrap();
    assert_eq!(heads(None).await, [2, 5]);
    assert_eq!(tx.due_at_gates(now()).await.unwrap()[0].run.id, RunId(id(4)));
    assert!(tx.debouncing(&"fix".into(), &"y".into()).await.unwrap().is_some());
    assert_eq!(tx.debouncing(&"other".into(), &"y".into()).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(store.behind(&runs[2]).await.unwrap(), Some(RunId(id(2))));
    assert_eq!(store.behind(&runs[4]).await.unwrap(), Some(RunId(id(6))));
}

#[tokio::test]
async fn a_log_keeps_its_head_and_its_tail() {
    let (store, _place) = open().await;
    let run = RunId(id(1));
    let line = |n: usize| LogLine {
        at: now(),
        stream: Stream::Stdout,
        text: Untrusted::new(format!("{n:06} {}", "x".repeat(100_000))),
    };
    for n in 0..100 {
        let tx = store.begin().await.unwrap();
        tx.append_log(run, &[line(n)]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let chunks = store.log(run, 0, 1000).await.unwrap();
    let size: usize = chunks.iter().flat_map(|(_, lines)| lines).map(|line| line.text.expose().len()).sum();
    assert!(size <= 5 << 20, "{size}");
    assert!(chunks[0].1[0].text.expose().starts_with("000000"));
    assert!(chunks.last().unwrap().1[0].text.expose().starts_with("000099"));
    assert!(chunks.windows(2).any(|pair| pair[1].0 > pair[0].0 + 1), "the middle is gone, and it shows");
    let rest = store.log(run, chunks.last().unwrap().0 + 1, 10).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn threads_and_rule_sets_are_replaced_in_place() {
    let (store, _place) = open().await;
    let (item, automation) = (WorkItem::from("x"), AutomationName::from("fix"));
    let mut thread = Thread { comment_id: 5, comment_url: "u".into(), deleted: false };
    for deleted in [false, true] {
        thread.deleted = deleted;
        let tx = store.begin().await.unwrap();
        tx.save_thread(&item, &automation, &thread).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.thread(&item, &automation).await.unwrap(), Some(thread.clone()));
    }
    let set = |hash: &str| ActiveRuleSet {
        hash: hash.to_owned(),
        files: BTreeMap::from([("a.yaml".to_owned(), hash.to_owned())]),
        source: format!("folder {hash}"),
    };
    for hash in ["one", "two", "one"] {
        let tx = store.begin().await.unwrap();
        tx.activate_rule_set(&set(hash), now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.active_rule_set().await.unwrap(), Some(set(hash)));
    }
}

#[tokio::test]
async fn a_tick_is_recorded_once_and_timetables_keep_their_time() {
    let (store, _place) = open().await;
    let (id, later) = (AutomationId(uuid::Uuid::from_u128(1)), now() + TimeDelta::hours(1));
    let tick = |tick, state| TickRow { automation: id, tick, state, at: now(), deliveries: Vec::new() };
    let tx = store.begin().await.unwrap();
    assert!(tx.record_tick(&tick(now(), TickState::Fired)).await.unwrap());
    assert!(!tx.record_tick(&tick(now(), TickState::Skipped)).await.unwrap(), "the first one stays");
    assert!(tx.record_tick(&tick(later, TickState::Skipped)).await.unwrap());
    assert_eq!(tx.newest_tick(id, now()).await.unwrap(), Some(now()));
    for (wanted, at) in [(vec!["a", "b"], now()), (vec!["b"], later), (vec!["a", "b"], later)] {
        let wanted: Vec<_> = wanted.into_iter().map(|text| (id, text.to_owned())).collect();
        tx.keep_timetables(&wanted, at).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.last_tick(id).await.unwrap(), Some(tick(later, TickState::Skipped)));
    assert_eq!(store.newest_ticks(now()).await.unwrap(), [(id, now())].into());
    let since = [("a".to_owned(), later), ("b".to_owned(), now())].into();
    assert_eq!(store.timetables().await.unwrap(), [(id, since)].into());
}

#[tokio::test]
async fn rows_survive_a_second_start() {
    let (store, place) = open().await;
    insert_runs(&store, &[run(1, "x", queued())]).await;
    store.close().await.unwrap();
    let store = Store::open(&place.address).await.unwrap();
    assert_eq!(store.run(RunId(id(1))).await.unwrap(), Some(RunRecord::new(run(1, "x", queued()))));
    store.ping().await.unwrap();
}

#[test]
fn a_damaged_body_is_told_not_decompressed() {
    assert!(Body::from_stored(Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 1])).decompress().is_err());
}
