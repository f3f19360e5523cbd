//! Deliveries that are decided anew.

use std::collections::BTreeMap;

use broker::fake::Fault;
use broker::{PublishError, Publisher};
use chrono::{DateTime, Utc};
use dispatcher::ReplayError;
use schemas::decision::Verdict;
use schemas::delivery::{Body, Replay};
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};
use store::{DeliveryStatus, NewDelivery};

use crate::support::{FIX, World, at};

/// `issues.labeled` by `login`, as GitHub sends it, with what is looked at.
fn labelled(login: &str, time: DateTime<Utc>) -> String {
    serde_json::json!({
        "action": "labeled",
        "label": { "id": 1, "name": "agent:fix" },
        "issue": { "number": 12, "title": "t", "updated_at": time.to_rfc3339(), "labels": [{ "name": "agent:fix" }] },
        "repository": { "full_name": "acme/api", "html_url": "https://github.example/acme/api" },
        "sender": { "id": 1, "login": login, "type": "User" },
    })
    .to_string()
}

impl World {
    fn arriving(&self, raw: &[u8]) -> Delivery {
        Delivery {
            id: DeliveryId::fresh(&*self.clock),
            webhook: "github".into(),
            received_at: self.clock.now(),
            headers: BTreeMap::from([("x-github-event".to_owned(), "issues".to_owned())]),
            body: Body::compress(raw),
            trace: TraceContext::default(),
            replay_of: None,
        }
    }

    /// A delivery from outside, decided.
    async fn arrives(&self, raw: &str) -> DeliveryId {
        let delivery = self.arriving(raw.as_bytes());
        let id = delivery.id;
        self.queue.publish(delivery).await.unwrap();
        self.decide().await;
        id
    }

    /// A replay, decided.
    async fn replays(&self, id: DeliveryId, observe: bool) -> DeliveryId {
        let replayed = self.dispatcher.replay(id, observe).await.unwrap();
        self.decide().await;
        replayed.delivery
    }

    /// A delivery that a version before this could not read.
    async fn keeps_unread(&self, raw: &str) -> DeliveryId {
        let delivery = self.arriving(raw.as_bytes());
        let id = delivery.id;
        let row = NewDelivery {
            delivery,
            status: DeliveryStatus::Quarantined,
            duplicate_of: None,
            error: Some("a parser of old".to_owned()),
            rule_set: None,
            event: None,
            keys: Vec::new(),
        };
        let tx = self.store.begin().await.unwrap();
        tx.insert_deliveries(&[row], self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Whether a write to the forge is planned.
    async fn writes(&self) -> bool {
        self.store.next_intent_due(self.clock.now()).await.unwrap().is_some()
    }

    async fn verdict(&self, id: DeliveryId) -> Verdict {
        let mut decisions = self.store.decisions(id).await.unwrap();
        assert_eq!(decisions.len(), 1, "{decisions:?}");
        decisions.remove(0).verdict
    }

    async fn status(&self, id: DeliveryId) -> DeliveryStatus {
        self.store.delivery(id).await.unwrap().unwrap().status
    }
}

#[tokio::test]
async fn a_replay_is_no_duplicate_and_waits_its_turn() {
    let world = World::new(FIX).await;
    let raw = labelled("ana", world.clock.now());
    let first = world.arrives(&raw).await;
    let Verdict::Matched { run: Some(run) } = world.verdict(first).await else { panic!() };
    let again = world.replays(first, false).await;
    assert_ne!(again, first);
    let Verdict::Waiting { behind, .. } = world.verdict(again).await else { panic!() };
    assert_eq!(behind, run, "one item has one active run");

    // A replay of a replay is one of the original; an honest repeat is still a repeat of the first.
    let third = world.replays(again, false).await;
    let stored = world.store.delivery(third).await.unwrap().unwrap().delivery;
    assert_eq!(stored.replay_of, Some(Replay { original: first, observe: false }));
    assert_eq!(stored.body.decompress().unwrap(), raw.as_bytes());
    let repeat = world.arrives(&raw).await;
    assert_eq!(world.verdict(repeat).await, Verdict::Duplicate { of: first });
}

#[tokio::test]
async fn an_observed_replay_starts_and_writes_nothing() {
    let world = World::new(FIX).await;
    let denied = world.keeps_unread(&labelled("eve", world.clock.now())).await;
    let observed = world.replays(denied, true).await;
    assert!(matches!(world.verdict(observed).await, Verdict::Denied { .. }));
    assert!(!world.writes().await, "nobody is answered");

    world.forge.allow("ann", schemas::automation::Permission::Write);
    let raw = labelled("ann", world.clock.now());
    let first = world.arrives(&raw).await;
    assert!(world.writes().await);
    world.publish().await;
    let observed = world.replays(first, true).await;
    assert_eq!(world.verdict(observed).await, Verdict::Matched { run: None });
    assert!(world.store.runs_of(observed).await.unwrap().is_empty());
    assert!(!world.writes().await);
}

#[tokio::test]
async fn what_was_only_observed_can_still_arrive() {
    let world = World::new(FIX).await;
    let unread = world.arrives("{\"action\":\"labeled\"}").await;
    assert_eq!(world.status(unread).await, DeliveryStatus::Quarantined);
    let again = world.replays(unread, false).await;
    assert_eq!(world.status(again).await, DeliveryStatus::Quarantined, "nothing was mended");

    // As after a fix: the same bytes can be read now.
    let raw = labelled("ana", world.clock.now());
    let stored = world.keeps_unread(&raw).await;
    let observed = world.replays(stored, true).await;
    assert_eq!(world.verdict(observed).await, Verdict::Matched { run: None });
    let replayed = world.replays(stored, false).await;
    assert!(
        matches!(world.verdict(replayed).await, Verdict::Matched { run: Some(_) }),
        "observing left no key"
    );
    let late = world.arrives(&raw).await;
    assert_eq!(world.verdict(late).await, Verdict::Duplicate { of: replayed }, "the replay left its keys");
}

#[tokio::test]
async fn an_old_delivery_can_be_replayed_and_an_old_event_cannot_arrive() {
    let world = World::new(FIX).await;
    let old = world.arrives(&labelled("ana", at("2026-01-01T00:00:00Z"))).await;
    assert!(matches!(world.verdict(old).await, Verdict::Stale { .. }));
    let replayed = world.replays(old, false).await;
    assert!(matches!(world.verdict(replayed).await, Verdict::Matched { run: Some(_) }));
}

#[tokio::test]
async fn what_cannot_be_replayed_says_why() {
    let world = World::new(FIX).await;
    let nobody = DeliveryId(uuid::Uuid::nil());
    assert!(matches!(world.dispatcher.replay(nobody, false).await, Err(ReplayError::Unknown(_))));
    let first = world.arrives(&labelled("ana", world.clock.now())).await;
    let refused = Some(Fault::Refuse(PublishError::Full));
    world.queue.set_fault(refused);
    assert!(matches!(
        world.dispatcher.replay(first, false).await,
        Err(ReplayError::NotStored(PublishError::Full))
    ));
    world.queue.set_fault(None);

    let mut gone = world.arriving(b"{}");
    gone.body = Body::from_stored(bytes::Bytes::new());
    let mut elsewhere = world.arriving(b"{}");
    elsewhere.webhook = "former".into();
    for delivery in [&gone, &elsewhere] {
        world.queue.publish(delivery.clone()).await.unwrap();
    }
    world.decide().await;
    assert!(matches!(world.dispatcher.replay(gone.id, false).await, Err(ReplayError::BodyGone(_))));
    assert!(matches!(world.dispatcher.replay(elsewhere.id, false).await, Err(ReplayError::NoWebhook(_))));
}
