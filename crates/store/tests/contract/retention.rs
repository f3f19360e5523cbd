//! What is old goes, and what is needed or new stays.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::control::{LogLine, Stream};
use schemas::decision::Verdict;
use schemas::run::{Outcome, Reason, RunState};
use schemas::{AutomationName, Decision, Delivery, DeliveryId, Run, RunId, Untrusted};
use store::{Kept, NewDelivery, Store};
use uuid::Uuid;

use super::{delivery, now, queued, run};
use crate::open;

fn days(count: i64) -> TimeDelta {
    TimeDelta::days(count)
}

/// An id as it is given at a moment.
fn made_at(moment: DateTime<Utc>, number: u8) -> Uuid {
    let millis = u64::try_from(moment.timestamp_millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &[number; 10]).into_uuid()
}

fn arrived(moment: DateTime<Utc>, number: u8) -> NewDelivery {
    let new = delivery(u128::from(number), &[]);
    let id = DeliveryId(made_at(moment, number));
    NewDelivery {
        delivery: Delivery { id, received_at: moment, ..new.delivery },
        event: new.event.map(|event| schemas::Event { id, ..event }),
        keys: vec![format!("key {number}")],
        ..new
    }
}

fn started(of: &NewDelivery, state: RunState, finished_at: Option<DateTime<Utc>>) -> Run {
    let (id, delivery) = (RunId(of.delivery.id.0), of.delivery.id);
    Run { id, delivery, finished_at, ..run(1, "x", state) }
}

async fn keep(store: &Store, deliveries: DateTime<Utc>, logs: DateTime<Utc>) -> u64 {
    let kept = Kept { deliveries, logs, keys: now() - days(30) };
    let mut all = 0;
    loop {
        match store.let_go(kept, 2).await.unwrap() {
            0 => return all,
            gone => all += gone,
        }
    }
}

#[tokio::test]
async fn what_is_old_goes_in_batches_and_what_a_run_needs_stays() {
    let (store, _place) = open().await;
    let old: Vec<NewDelivery> = (1..=7).map(|number| arrived(now() - days(40), number)).collect();
    let new = arrived(now() - days(2), 8);
    let done = RunState::Done { outcome: Outcome::NoChange, reason: Reason::NothingChanged };
    let [ended, waiting, joined] = [&old[0], &old[1], &old[2]];
    let runs = [
        started(ended, done.clone(), Some(now() - days(39))),
        started(waiting, queued(), None),
        started(&new, done, Some(now() - days(1))),
    ];
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&old, now() - days(40)).await.unwrap();
    tx.insert_deliveries(std::slice::from_ref(&new), now() - days(2)).await.unwrap();
    tx.insert_runs(&runs).await.unwrap();
    tx.add_run_event(runs[1].id, joined.delivery.id, now() - days(40)).await.unwrap();
    for run in &runs {
        let line = LogLine { at: now(), stream: Stream::Stdout, text: Untrusted::from("a line") };
        tx.append_log(run.id, &[line]).await.unwrap();
        let (automation, verdict) = (AutomationName::from("fix"), Verdict::Matched { run: Some(run.id) });
        tx.insert_decisions(&[Decision { delivery: run.delivery, automation, verdict }]).await.unwrap();
        tx.insert_facts([(run.delivery, &"asked")]).await.unwrap();
    }
    tx.commit().await.unwrap();

    // Seven keys alone are old.
    assert_eq!(keep(&store, now() - days(90), now() - days(90)).await, 7);
    assert_eq!(store.delivery_count().await.unwrap(), 8);
    // A log of a month ago.
    assert_eq!(keep(&store, now() - days(90), now() - days(30)).await, 1);
    assert_eq!(keep(&store, now() - days(30), now() - days(30)).await, 5);
    for there in [waiting, joined, &new] {
        let detail = store.delivery(there.delivery.id).await.unwrap().unwrap();
        assert_eq!(detail.event, there.event);
    }
    assert_eq!(store.delivery_count().await.unwrap(), 3);
    assert_eq!(store.events_of(runs[1].id).await.unwrap().len(), 2);
    let chunks = async |run: &Run| store.log_chunks(run.id).await.unwrap();
    assert_eq!([chunks(&runs[0]).await, chunks(&runs[1]).await, chunks(&runs[2]).await], [0, 1, 1]);
    assert_eq!(store.decisions(ended.delivery.id).await.unwrap(), []);
    assert_eq!(store.facts::<String>(ended.delivery.id).await.unwrap(), None);
    assert_eq!(store.decisions(new.delivery.id).await.unwrap().len(), 1);
    assert!(store.run(runs[0].id).await.unwrap().is_some(), "what was done stays");
    let keys = [old[3].keys.clone(), new.keys.clone()].concat();
    assert_eq!(store.known_keys(&keys).await.unwrap().len(), 1);
    assert_eq!(keep(&store, now() - days(30), now() - days(30)).await, 0);
}
