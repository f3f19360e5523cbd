//! Planned writes: once for their key, in order, and one dispatcher's at a time.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::intent::{Intent, IntentState, Write};
use schemas::{Epoch, IntentId, Oid, RunId, WorkItem};
use store::{Store, StoreError};

use super::{id, now};
use crate::open;

const HOLD: TimeDelta = TimeDelta::minutes(3);

pub fn intent(number: u128, write: Write) -> Intent {
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

fn comment() -> Write {
    Write::SyncComment { number: 12 }
}

async fn plan(store: &Store, intents: impl IntoIterator<Item = Intent>) {
    let tx = store.begin().await.unwrap();
    for planned in intents {
        assert!(tx.plan(&planned, &planned.id.to_string()).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// What a holder gets at a time.
async fn claim(store: &Store, holder: &str, at: DateTime<Utc>) -> Vec<u128> {
    let claimed = store.claim_intents(holder, at, at + HOLD, 10).await.unwrap();
    claimed.iter().map(|intent| intent.id.0.as_u128()).collect()
}

/// An intent's end, as its holder records it; false when it is not his.
async fn end(store: &Store, holder: &str, number: u128, state: IntentState) -> bool {
    let tx = store.begin().await.unwrap();
    if !tx.release_intent(IntentId(id(number)), holder).await.unwrap() {
        return false;
    }
    tx.save_intent(&Intent { state, ..intent(number, comment()) }, now()).await.unwrap();
    tx.commit().await.unwrap();
    true
}

#[tokio::test]
async fn a_write_that_waits_holds_back_those_of_its_kind_about_its_item() {
    let (store, _place) = open().await;
    let later = now() + TimeDelta::seconds(5);
    let unclear = Intent { state: IntentState::Calling, not_before: later, ..intent(1, comment()) };
    let other_kind = intent(3, Write::React { number: 12, comment: None });
    let elsewhere = Intent { work_item: WorkItem::from("elsewhere"), ..intent(4, comment()) };
    plan(&store, [unclear, intent(2, comment()), other_kind, elsewhere]).await;
    assert_eq!(store.next_intent_due(now()).await.unwrap(), Some(now()));
    assert_eq!(claim(&store, "a", now()).await, [3, 4]);
    assert_eq!(store.next_intent_due(now()).await.unwrap(), None, "somebody is at both items");
    for number in [3, 4] {
        assert!(end(&store, "a", number, IntentState::Done).await);
    }
    assert_eq!(store.next_intent_due(now()).await.unwrap(), Some(later), "not the one that is held back");
    assert_eq!(claim(&store, "a", later).await, [1]);
    assert!(end(&store, "a", 1, IntentState::Done).await);
    assert_eq!(claim(&store, "a", later).await, [2]);
}

#[tokio::test]
async fn writes_about_one_item_are_made_one_after_the_other_whoever_makes_them() {
    let (store, _place) = open().await;
    // Planned together: their ids say in which order.
    plan(&store, (1..=3).map(|number| intent(number, comment()))).await;
    assert_eq!(claim(&store, "a", now()).await, [1]);
    assert_eq!(claim(&store, "a", now()).await, [0; 0]);
    assert_eq!(claim(&store, "b", now()).await, [0; 0]);
    assert!(!end(&store, "b", 1, IntentState::Done).await, "it is not b's to end");
    assert!(end(&store, "a", 1, IntentState::Done).await);
    assert_eq!(claim(&store, "b", now()).await, [2]);
    assert!(end(&store, "b", 2, IntentState::Failed).await);
    assert_eq!(claim(&store, "a", now()).await, [3]);
}

#[tokio::test]
async fn a_write_that_somebody_is_at_may_have_been_made() {
    let (store, _place) = open().await;
    let write = Write::LabelPullRequest { number: 7, labels: vec!["again".into()] };
    plan(&store, [intent(1, write)]).await;
    let ours = async || {
        let repository = "github/acme/api".parse().unwrap();
        store.put_label_on(&repository, 7, "again", now()).await.unwrap()
    };
    assert!(!ours().await);
    assert_eq!(claim(&store, "a", now()).await, [1]);
    assert!(ours().await, "the forge may tell of it before its end is recorded");
    assert!(end(&store, "a", 1, IntentState::Failed).await);
    assert!(!ours().await);
}

#[tokio::test]
async fn who_is_silent_for_longer_than_a_hold_loses_the_write() {
    let (store, _place) = open().await;
    plan(&store, [intent(1, comment())]).await;
    let first = store.claim_intents("a", now(), now() + HOLD, 10).await.unwrap().remove(0);
    let hold = async |holder: &str, until| {
        let tx = store.begin().await.unwrap();
        let held = tx.hold_intent(first.id, holder, until).await.unwrap();
        if held {
            tx.save_intent(&Intent { state: IntentState::Calling, ..first.clone() }, now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        held
    };
    let half = now() + HOLD / 2;
    assert!(hold("a", half + HOLD).await, "the call begins");
    assert_eq!(claim(&store, "b", now() + HOLD).await, [0; 0]);
    let taken = store.claim_intents("b", half + HOLD, half + HOLD * 2, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].state, IntentState::Calling, "so b looks first whether it happened");
    assert!(!hold("a", half + HOLD * 3).await);
    assert!(!end(&store, "a", 1, IntentState::Failed).await);
    assert!(end(&store, "b", 1, IntentState::Done).await);
    assert_eq!(store.intents_of(RunId(id(1))).await.unwrap()[0].state, IntentState::Done);
}

#[tokio::test]
async fn who_comes_back_under_its_name_need_not_wait() {
    let (store, _place) = open().await;
    let elsewhere = Intent { work_item: WorkItem::from("elsewhere"), ..intent(2, comment()) };
    plan(&store, [intent(1, comment())]).await;
    assert_eq!(claim(&store, "a", now()).await, [1]);
    plan(&store, [elsewhere]).await;
    assert_eq!(claim(&store, "b", now()).await, [2]);
    let release = async |at: &[u128]| {
        let tx = store.begin().await.unwrap();
        let any = tx.release_intents("a", at.iter().map(|number| IntentId(id(*number)))).await.unwrap();
        tx.commit().await.unwrap();
        any
    };
    assert!(!release(&[1]).await, "it is at that one");
    assert!(release(&[]).await);
    assert!(!release(&[]).await);
    assert_eq!(claim(&store, "a", now()).await, [1], "and not what is b's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_claimers_are_handed_each_of_five_hundred_once() {
    let (store, place) = open().await;
    let of_item = |number: u128| WorkItem(format!("item {}", number % 125));
    plan(&store, (1..=500).map(|number| Intent { work_item: of_item(number), ..intent(number, comment()) }))
        .await;
    let mut claimers = tokio::task::JoinSet::new();
    for holder in ["a", "b"] {
        let store = Store::open(&place.address).await.unwrap();
        claimers.spawn(async move {
            let mut handed = Vec::new();
            while store.next_intent_due(now()).await.unwrap().is_some() {
                for number in claim(&store, holder, now()).await {
                    handed.push(number);
                    assert!(end(&store, holder, number, IntentState::Done).await);
                }
            }
            handed
        });
    }
    let mut times: HashMap<u128, u32> = HashMap::new();
    for number in claimers.join_all().await.into_iter().flatten() {
        *times.entry(number).or_default() += 1;
    }
    assert_eq!(times.len(), 500);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

#[tokio::test]
async fn a_write_is_planned_once_for_its_key() {
    let (store, _place) = open().await;
    let react = Write::React { number: 12, comment: None };
    let push = Write::Push {
        reference: "refs/heads/x".into(),
        old: Oid::zero(),
        new: "b".repeat(40).parse().unwrap(),
    };
    let tx = store.begin().await.unwrap();
    assert!(tx.plan(&intent(1, react.clone()), "r:react").await.unwrap());
    assert!(!tx.plan(&intent(2, react), "r:react").await.unwrap());
    assert!(tx.plan(&intent(3, push), "r:push").await.unwrap());
    tx.commit().await.unwrap();
    let mut done = store.claim_intents("a", now(), now(), 10).await.unwrap();
    assert_eq!(done.iter().map(|i| i.id.0.as_u128()).collect::<Vec<_>>(), [1], "a push is a worker's");

    let mut done = done.remove(0);
    done.state = IntentState::Done;
    done.attempts = 2;
    done.result = Some("ok".into());
    let tx = store.begin().await.unwrap();
    tx.save_intent(&done, now()).await.unwrap();
    let missing = tx.save_intent(&Intent { id: IntentId(id(99)), ..done.clone() }, now()).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })));
    tx.commit().await.unwrap();
    assert_eq!(store.next_intent_due(now()).await.unwrap(), None);
    assert_eq!(store.intents_of(RunId(id(1))).await.unwrap()[0], done);
}
