//! Sums and lists over runs: what a database adds up has to come back as the number it is.

use std::collections::HashMap;

use chrono::TimeDelta;
use schemas::automation::Usd;
use schemas::control::Beat;
use schemas::run::{Outcome, Reason, RunState, Step};
use schemas::{AutomationName, DeliveryId, Epoch, Run, RunId, WorkItem};
use store::{DaySum, Payer, Recent};

use super::{delivery, id, insert_runs, now, queued, run};
use crate::open;

fn usd(micros: u64) -> Usd {
    Usd::from_micros(micros)
}

#[tokio::test]
async fn money_is_added_up_by_day_and_payer() {
    let (store, _place) = open().await;
    let admitted = |number, state, at| Run {
        admitted_at: Some(at),
        reserved: usd(5_000_000),
        actor: Some("github:1".into()),
        ..run(number, &format!("item {number}"), state)
    };
    let active = RunState::Active { step: Step::Commands, epoch: Epoch(0) };
    let done = RunState::Done { outcome: Outcome::NoChange, reason: Reason::NothingChanged };
    let yesterday = now() - TimeDelta::days(1);
    let finished = Run { finished_at: Some(now()), ..admitted(2, done, now()) };
    insert_runs(&store, &[admitted(1, active, now()), finished, admitted(3, queued(), yesterday)]).await;
    let tx = store.begin().await.unwrap();
    let beat = Beat { number: 1, spent: usd(2_000_000) };
    assert!(tx.beat(RunId(id(1)), Epoch(0), beat).await.unwrap().is_some());
    tx.settle_spent(RunId(id(2)), usd(3_000_000)).await.unwrap();
    let day = now() - TimeDelta::hours(1)..now() + TimeDelta::hours(1);
    let account = (Payer::Repository, "github/acme/api".to_owned());
    let sums = tx.day_sums(std::slice::from_ref(&account), day.clone()).await.unwrap();
    tx.commit().await.unwrap();
    let expected = DaySum { spent: usd(5_000_000), reserved: usd(3_000_000) };
    assert_eq!(sums, HashMap::from([(account, expected)]));
    for payer in [Payer::Automation, Payer::Actor] {
        let sums = store.day_sums(payer, day.clone()).await.unwrap();
        assert_eq!(sums.into_values().collect::<Vec<_>>(), [expected], "{payer:?}");
    }
    let mean = store.mean_spent().await.unwrap();
    assert_eq!(mean, HashMap::from([(AutomationName::from("fix"), usd(3_000_000))]));
}

#[tokio::test]
async fn what_a_day_held_can_be_counted_and_read_again() {
    let (store, _place) = open().await;
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"]), delivery(2, &["b"])], now()).await.unwrap();
    tx.insert_facts([(DeliveryId(id(1)), &"asked")]).await.unwrap();
    tx.insert_runs(&[Run { delivery: DeliveryId(id(1)), ..run(1, "x", queued()) }]).await.unwrap();
    for _ in 0..2 {
        tx.add_run_event(RunId(id(1)), DeliveryId(id(2)), now()).await.unwrap();
    }
    let since = tx.runs_since(&[WorkItem::from("x"), WorkItem::from("y")], now()).await.unwrap();
    tx.commit().await.unwrap();
    let one = Recent { root: "x".into(), automation: "fix".into(), depth: 1, runs: 1 };
    assert_eq!(since, [one]);
    let events = store.events_of(RunId(id(1))).await.unwrap();
    assert_eq!(events.iter().map(|event| event.id.0.as_u128()).collect::<Vec<_>>(), [1, 2]);
    let standing = store.standing_of(&[DeliveryId(id(1)), DeliveryId(id(2))]).await.unwrap();
    assert_eq!(standing, [("queued".to_owned(), 1)].into());
    let history = store.history::<String>(now(), 10, None).await.unwrap();
    let facts: Vec<_> = history.items.iter().map(|past| past.facts.as_deref()).collect();
    assert_eq!(facts, [None, Some("asked")], "newest first");
    assert_eq!(history.items[1].runs.len(), 1);
}
