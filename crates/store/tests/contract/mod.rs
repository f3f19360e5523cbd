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
use schemas::intent::{Intent, IntentState, Write};
use schemas::run::{Gate, Outcome, Reason, RepositorySetup, Run, RunInput, RunState, Step, Transition};
use schemas::trace::TraceContext;
use schemas::{
    AutomationName, ConnectionName, Decision, Delivery, DeliveryId, Epoch, IntentId, RepoRef, RunId,
    Untrusted, WebhookName, WorkItem, WorkerName,
};
use store::{DeliveryStatus, NewDelivery, RunRecord, Store, StoreError, Thread};

use crate::open;

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

fn intent(number: u128, write: Write) -> Intent {
    Intent {
        id: IntentId(id(number)),
        run: Some(RunId(id(1))),
        epoch: Epoch(0),
        work_item: WorkItem::from("github:acme/api#12"),
        repository: "github/acme/api".parse().unwrap(),
        write,
        state: IntentState::Open,
        attempts: 0,
        looks: 0,
        not_before: now(),
        created_at: now(),
        result: None,
    }
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
        let unlocked = tx.unfinished_runs(&[WorkItem::from("x")]).await.unwrap();
        tx.insert_runs(&[run(10 + unlocked.len() as u128, "x", queued())]).await.unwrap();
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
    insert_runs(&store, &[run(1, "x", queued())]).await;
    let worker = WorkerName::from("w");
    let claim = async |nonce: &str| {
        let tx = store.begin().await.unwrap();
        let record = tx.claim(RunId(id(1)), &worker, nonce, now()).await.unwrap();
        if let Some(record) = &record {
            tx.save_run(record).await.unwrap();
        }
        tx.commit().await.unwrap();
        record
    };
    assert_eq!(store.claimable(now() - TimeDelta::seconds(1), 5).await.unwrap(), []);
    assert_eq!(store.claimable(now(), 5).await.unwrap(), [RunId(id(1))]);
    let (one, two) = tokio::join!(claim("a"), claim("b"));
    assert_eq!([&one, &two].into_iter().flatten().count(), 1);
    let winner = one.or(two).unwrap();
    assert_eq!(winner.epoch, Epoch(1));
    assert_eq!(store.claimed_with(winner.nonce.as_deref().unwrap()).await.unwrap(), Some(winner));

    let tx = store.begin().await.unwrap();
    assert_eq!(
        tx.beat(RunId(id(1)), Epoch(1), Beat { number: 5, ..Beat::default() }).await.unwrap(),
        Some(false)
    );
    assert_eq!(tx.beat(RunId(id(1)), Epoch(2), Beat { number: 5, ..Beat::default() }).await.unwrap(), None);
    tx.commit().await.unwrap();
    let leases = store.leases().await.unwrap();
    assert_eq!((leases[0].epoch, leases[0].beat), (Epoch(1), 5));
}

#[tokio::test]
async fn waiting_runs_are_admitted_in_order_and_only_when_none_is_under_way() {
    let (store, _place) = open().await;
    let waiting = || RunState::Pending { gate: Gate::Concurrency, due_at: None };
    let runs =
        [run(1, "x", queued()), run(2, "x", waiting()), run(3, "x", waiting()), run(4, "y", waiting())];
    insert_runs(&store, &runs).await;
    let tx = store.begin().await.unwrap();
    assert_eq!(tx.next_to_admit(&WorkItem::from("x")).await.unwrap(), None);
    assert_eq!(tx.items_to_admit().await.unwrap(), [WorkItem::from("y")]);
    let newest = tx.unfinished_runs(&[WorkItem::from("x")]).await.unwrap();
    assert_eq!(newest.last().unwrap().1, RunId(id(3)));
    let mut first = tx.lock_run(RunId(id(1))).await.unwrap().unwrap();
    first.run.state = RunState::Done { outcome: Outcome::NoChange, reason: Reason::NothingChanged };
    tx.save_run(&first).await.unwrap();
    assert_eq!(tx.next_to_admit(&WorkItem::from("x")).await.unwrap().unwrap().run.id, RunId(id(2)));
}

#[tokio::test]
async fn a_write_that_waits_holds_back_those_of_its_kind_about_its_item() {
    let (store, _place) = open().await;
    let later = now() + chrono::Duration::seconds(5);
    let comment = || Write::SyncComment { number: 12 };
    let unclear = Intent { state: IntentState::Calling, not_before: later, ..intent(1, comment()) };
    let elsewhere = Intent { work_item: WorkItem::from("elsewhere"), ..intent(4, comment()) };
    let tx = store.begin().await.unwrap();
    for (key, planned) in [
        ("first", unclear),
        ("second", intent(2, comment())),
        ("other kind", intent(3, Write::React { number: 12, comment: None })),
        ("elsewhere", elsewhere),
    ] {
        assert!(tx.plan(&planned, key).await.unwrap());
    }
    tx.commit().await.unwrap();
    let due = async |at| {
        let due = store.due_intents(at, 10).await.unwrap();
        due.iter().map(|intent| intent.id.0.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(due(now()).await, [3, 4]);
    assert_eq!(due(later).await, [1, 2, 3, 4]);
    assert_eq!(store.next_intent_due(now()).await.unwrap(), Some(now()));
    let tx = store.begin().await.unwrap();
    for mut done in store.due_intents(now(), 10).await.unwrap() {
        done.state = IntentState::Done;
        tx.save_intent(&done, now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.next_intent_due(now()).await.unwrap(), Some(later), "not the one that is held back");
}

#[tokio::test]
async fn a_write_is_planned_once_for_its_key() {
    let (store, _place) = open().await;
    let react = Write::React { number: 12, comment: None };
    let push = Write::Push {
        reference: "refs/heads/x".into(),
        old: schemas::Oid::zero(),
        new: "b".repeat(40).parse().unwrap(),
    };
    let tx = store.begin().await.unwrap();
    assert!(tx.plan(&intent(1, react.clone()), "r:react").await.unwrap());
    assert!(!tx.plan(&intent(2, react), "r:react").await.unwrap());
    assert!(tx.plan(&intent(3, push), "r:push").await.unwrap());
    tx.commit().await.unwrap();
    let due = store.due_intents(now(), 10).await.unwrap();
    assert_eq!(due.iter().map(|i| i.id.0.as_u128()).collect::<Vec<_>>(), [1], "a push is a worker's");
    assert_eq!(store.next_intent_due(now()).await.unwrap(), Some(now()));

    let mut done = due.into_iter().next().unwrap();
    done.state = IntentState::Done;
    done.attempts = 2;
    done.result = Some("ok".into());
    let tx = store.begin().await.unwrap();
    tx.save_intent(&done, now()).await.unwrap();
    let missing = tx.save_intent(&Intent { id: IntentId(id(99)), ..done.clone() }, now()).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })));
    tx.commit().await.unwrap();
    assert_eq!(store.due_intents(now(), 10).await.unwrap(), []);
    assert_eq!(store.intents_of(RunId(id(1))).await.unwrap()[0], done);
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
    let files = |text: &str| BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]);
    for hash in ["one", "two", "one"] {
        let tx = store.begin().await.unwrap();
        tx.activate_rule_set(hash, &files(hash), now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.active_rule_set().await.unwrap(), Some((hash.to_owned(), files(hash))));
    }
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

#[tokio::test]
async fn migrations_go_down_and_up_again_with_rows() {
    let (store, place) = open().await;
    insert_runs(&store, &[run(1, "x", queued())]).await;
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await.unwrap();

    let all = place.address.migrations().await.unwrap().all.len();
    let all = u32::try_from(all).unwrap();
    place.address.revert(all - 1).await.unwrap();
    assert_eq!(place.address.migrations().await.unwrap().pending().count() as u32, all - 1);
    let store = Store::open(&place.address).await.unwrap();
    let kept = store.run(RunId(id(1))).await.unwrap().unwrap().run;
    assert_eq!((&kept.work_item, &kept.root), (&WorkItem::from("x"), &WorkItem::from("x")));
    assert_eq!(store.delivery_count().await.unwrap(), 1);
    store.close().await.unwrap();

    place.address.revert(all).await.unwrap();
    assert_eq!(place.address.migrations().await.unwrap().pending().count() as u32, all);
    let store = Store::open(&place.address).await.unwrap();
    assert_eq!(store.delivery_count().await.unwrap(), 0);
}

#[test]
fn a_damaged_body_is_told_not_decompressed() {
    assert!(Body::from_stored(Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 1])).decompress().is_err());
}
