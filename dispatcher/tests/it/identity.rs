//! Which deliveries are one happening: signed by real senders, verified, parsed and decided.

use std::collections::BTreeMap;

use broker::Publisher;
use chrono::TimeDelta;
use http::{HeaderMap, HeaderName};
use schemas::decision::Verdict;
use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};
use senders::samples::{self, Aim, Fresh};
use senders::{BodyFormat, GitHub, GitLab, Jira, Sender, Sentry};
use serde_json::{Value, json};
use store::DeliveryStatus;
use uuid::Uuid;

use crate::support::{FIX, World};

const TOKEN: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const SECRET: &str = "the secret of all";

/// Each tool by two webhooks: its repository's and one for all, a project's and its group's.
const WEBHOOKS: [(&str, SourceKind, &str); 8] = [
    ("github", SourceKind::Github, "github"),
    ("github-app", SourceKind::Github, "github"),
    ("gitlab", SourceKind::Gitlab, "gitlab"),
    ("gitlab-group", SourceKind::Gitlab, "gitlab"),
    ("gitlab-signed", SourceKind::Gitlab, "gitlab"),
    ("jira", SourceKind::Jira, "jira"),
    ("jira-too", SourceKind::Jira, "jira"),
    ("sentry", SourceKind::Sentry, "sentry"),
];

fn sender(webhook: &str) -> Sender {
    let secret = vec![SECRET.as_bytes().to_vec()];
    match webhook {
        "github" | "github-app" => Sender::GitHub(GitHub::new(secret).unwrap()),
        "gitlab-signed" => Sender::GitLab(GitLab::new(vec![TOKEN.to_owned()], vec![]).unwrap()),
        "gitlab" | "gitlab-group" => Sender::GitLab(GitLab::new(vec![], secret).unwrap()),
        "jira" | "jira-too" => Sender::Jira(Jira::signed(&secret).unwrap()),
        _ => Sender::Sentry(Sentry::new(&secret).unwrap()),
    }
}

/// A delivery before it is signed: webhook, the sender's name of the event, delivery id, body.
type Sent = (&'static str, &'static str, &'static str, Value);

impl World {
    async fn all() -> Self {
        Self::hearing(FIX, &WEBHOOKS).await
    }

    /// What the tool sends of an event that happens now; `changes` are put at their places.
    fn happens(&self, kind: SourceKind, event: &str, changes: &[(&str, Value)]) -> Value {
        self.clock.advance(TimeDelta::seconds(10).to_std().unwrap());
        let sample = samples::of(kind).find(|sample| sample.event == event).unwrap();
        let fresh = Fresh { now: self.clock.now(), id: Uuid::from_u128(4) };
        let aim = Aim { actor: (kind != SourceKind::Sentry).then(|| "ana".to_owned()), ..Aim::default() };
        let mut body = sample.body(&aim, fresh).unwrap();
        for (place, value) in changes {
            let (parent, last) = place.rsplit_once('/').unwrap();
            let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent.insert(last.to_owned(), value.clone());
        }
        body
    }

    /// Signed, verified, stored and decided.
    async fn hears(&self, (webhook, event, id, body): &Sent) -> DeliveryId {
        let (sender, now, raw) = (sender(webhook), self.clock.now(), body.to_string().into_bytes());
        let signed = sender.sign(event, id, now, BodyFormat::Json, &raw);
        self.takes(webhook, &sender, signed, &raw).await
    }

    async fn takes(
        &self,
        webhook: &str,
        sender: &Sender,
        signed: Vec<(&'static str, String)>,
        raw: &[u8],
    ) -> DeliveryId {
        let headers: HeaderMap = signed
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        sender.verify(&headers, raw, self.clock.now()).unwrap();
        let kept = |name: &&'static str| {
            Some(((*name).to_owned(), headers.get(*name)?.to_str().unwrap().to_owned()))
        };
        let id = DeliveryId::fresh(&*self.clock);
        let delivery = Delivery {
            id,
            webhook: webhook.into(),
            received_at: self.clock.now(),
            headers: sender.kept_headers().iter().filter_map(kept).collect::<BTreeMap<_, _>>(),
            body: Body::compress(raw),
            trace: TraceContext::default(),
            replay_of: None,
        };
        self.queue.publish(delivery).await.unwrap();
        self.decide().await;
        id
    }

    /// Which earlier one of `sent` each is a repeat of, by its place; itself where it is new.
    async fn repeats(&self, sent: &[Sent]) -> Vec<usize> {
        let (mut ids, mut repeats) = (Vec::new(), Vec::new());
        for (at, one) in sent.iter().enumerate() {
            let id = self.hears(one).await;
            ids.push(id);
            let stored = self.store.delivery(id).await.unwrap().unwrap();
            assert_ne!(stored.status, DeliveryStatus::Quarantined, "{at}: {:?}", stored.error);
            let of = stored.duplicate_of.map(|of| ids.iter().position(|id| *id == of).unwrap());
            assert_eq!(stored.status == DeliveryStatus::Duplicate, of.is_some(), "{at}");
            repeats.push(of.unwrap_or(at));
        }
        repeats
    }
}

#[tokio::test]
async fn the_same_body_under_another_unsigned_id_runs_once() {
    let world = World::all().await;
    let body = world.happens(SourceKind::Github, "issue.labeled", &[("/label/name", json!("agent:fix"))]);
    let first = world.hears(&("github", "issues", "one", body.clone())).await;
    assert_eq!(world.store.runs_of(first).await.unwrap().len(), 1);
    for again in ["two", "one"] {
        let again = world.hears(&("github", "issues", again, body.clone())).await;
        assert!(world.store.runs_of(again).await.unwrap().is_empty());
        let verdict = &world.store.decisions(again).await.unwrap()[0].verdict;
        assert_eq!(*verdict, Verdict::Duplicate { of: first });
    }
    // Without anything in the body that tells of it: a happening that has no key of its own.
    let bare =
        json!({"action": "started", "repository": {"full_name": "acme/api"}, "sender": {"login": "ana"}});
    let push = world.happens(SourceKind::Gitlab, "push", &[]);
    let jira = world.happens(SourceKind::Jira, "issue.opened", &[("/webhookEvent", json!("board_created"))]);
    let error = world.happens(SourceKind::Sentry, "error.created", &[]);
    for (webhook, event, body) in [
        ("github", "watch", bare),
        ("gitlab", "Push Hook", push),
        ("jira", "", jira),
        ("sentry", "error", error),
    ] {
        let sent = ["a", "b"].map(|id| (webhook, event, id, body.clone()));
        assert_eq!(world.repeats(&sent).await, [0, 0], "{webhook}");
    }
}

#[tokio::test]
async fn a_signed_id_decides_and_a_resend_keeps_it() {
    let world = World::all().await;
    let push = world.happens(SourceKind::Gitlab, "push", &[]);
    let to = |id| ("gitlab-signed", "Push Hook", id, push.clone());
    // Forward, back and forward again have one body; each is signed at a time of its own.
    assert_eq!(world.repeats(&[to("one"), to("two"), to("one"), to("two")]).await, [0, 1, 0, 1]);
    // The same id of another webhook is another's.
    assert_eq!(world.repeats(&[("gitlab", "Push Hook", "one", push.clone())]).await, [0]);
}

#[tokio::test]
async fn an_honest_ping_twice_is_quietly_fine() {
    let world = World::all().await;
    for (webhook, ..) in WEBHOOKS {
        let (sender, now) = (sender(webhook), world.clock.now());
        let (headers, raw) = sender.ping("01900000-0000-7000-8000-000000000001", now);
        for _ in 0..2 {
            let id = world.takes(webhook, &sender, headers.clone(), &raw).await;
            let stored = world.store.delivery(id).await.unwrap().unwrap();
            assert_ne!(stored.status, DeliveryStatus::Quarantined, "{webhook}: {:?}", stored.error);
            assert_eq!(world.store.decisions(id).await.unwrap(), [], "{webhook}");
        }
    }
    assert_eq!(world.store.next_intent_due(world.clock.now()).await.unwrap(), None);
}

#[tokio::test]
async fn closing_reopening_and_closing_again_are_three() {
    let world = World::all().await;
    let mut github = Vec::new();
    let mut gitlab = Vec::new();
    let mut jira = Vec::new();
    let mut sentry = Vec::new();
    let steps = [("closed", "close", "resolved"), ("reopened", "reopen", "unresolved")];
    for at in [0, 1, 0] {
        let (hub, lab, seen) = steps[at];
        let status =
            json!([{ "field": "status", "from": "1", "to": "2", "fromString": "A", "toString": hub }]);
        let body = world.happens(SourceKind::Github, "issue.opened", &[("/action", json!(hub))]);
        github.push(("github", "issues", "", body));
        let action = [("/object_attributes/action", json!(lab))];
        gitlab.push(("gitlab", "Issue Hook", "", world.happens(SourceKind::Gitlab, "issue.opened", &action)));
        let items = [("/changelog/items", status)];
        jira.push(("jira", "", "", world.happens(SourceKind::Jira, "issue.transitioned", &items)));
        let changes =
            [("/action", json!(seen)), ("/data/issue/status", json!(seen)), ("/data/issue/id", json!("7"))];
        sentry.push(("sentry", "issue", "", world.happens(SourceKind::Sentry, "issue.opened", &changes)));
    }
    for sent in [github, gitlab, jira, sentry] {
        // Each has an id of its own, where there is one; all three come a second time.
        let ids = ["a", "b", "c"];
        let three: Vec<Sent> =
            sent.into_iter().zip(ids).map(|((hook, event, _, body), id)| (hook, event, id, body)).collect();
        let twice = [three.clone(), three].concat();
        assert_eq!(world.repeats(&twice).await, [0, 1, 2, 0, 1, 2], "{}", twice[0].0);
    }
}

#[tokio::test]
async fn what_two_hooks_deliver_is_one() {
    let world = World::all().await;
    let plain = world.happens(SourceKind::Github, "issue.labeled", &[]);
    let mut by_app = plain.clone();
    by_app["installation"] = json!({ "id": 5 });
    let twins = [("github", "issues", "a", plain.clone()), ("github-app", "issues", "b", by_app)];
    assert_eq!(world.repeats(&twins).await, [0, 0]);
    // A second label at the same moment is a second happening.
    let mut second = plain;
    second["label"] = json!({ "id": 6, "name": "bug" });
    assert_eq!(world.repeats(&[("github", "issues", "c", second)]).await, [0]);

    let body = world.happens(SourceKind::Gitlab, "issue.labeled", &[]);
    let twins =
        ["gitlab", "gitlab-group", "gitlab-signed"].map(|hook| (hook, "Issue Hook", hook, body.clone()));
    assert_eq!(world.repeats(&twins).await, [0, 0, 0]);

    let body = world.happens(SourceKind::Jira, "issue.transitioned", &[]);
    let twins = ["jira", "jira-too"].map(|hook| (hook, "", hook, body.clone()));
    assert_eq!(world.repeats(&twins).await, [0, 0]);

    // Sentry tells of one error by several attempts, each in words of its own.
    let body = world.happens(SourceKind::Sentry, "alert.triggered", &[]);
    let mut retold = body.clone();
    retold["installation"]["uuid"] = json!("7a485448-a9e2-4c85-8a3c-4f44175783c0");
    let twins = [body, retold].map(|body| ("sentry", "event_alert", "", body));
    assert_eq!(world.repeats(&twins).await, [0, 0]);
}
