//! Events that have everything, and nothing.

use dispatcher::condition::{Condition, EventValue};
use schemas::event::{Actor, ActorKind, Change, Comment, Event, EventType, Item, Repository, SourceKind};
use schemas::{ConnectionName, DeliveryId, Oid, RepoRef, Untrusted, WorkItem};

pub fn nothing() -> Event {
    let id = DeliveryId(uuid::Uuid::from_u128(7));
    Event::new(id, SourceKind::Github, ConnectionName::from("github"), EventType::Push)
}

pub fn everything() -> Event {
    let github = ConnectionName::from("github");
    Event {
        time: Some(chrono::DateTime::parse_from_rfc3339("2026-11-21T10:00:00Z").unwrap().to_utc()),
        work_item: Some(WorkItem::from("github:acme/api#12")),
        repository: Some(Repository {
            name: RepoRef::new(&github, "acme/api").unwrap(),
            default_branch: Some("main".into()),
        }),
        actor: Some(Actor { id: "1".into(), login: "ana".into(), kind: ActorKind::Human }),
        item: Some(Item {
            key: "12".into(),
            title: Untrusted::from("Crash on empty input"),
            body: Untrusted::from("Steps: open it, and see. Größe: 5"),
            url: Some("https://github.com/acme/api/issues/12".into()),
            labels: vec![Untrusted::from("bug"), Untrusted::from("area/Parser")],
            author: Some("bo".into()),
            is_pull_request: true,
            draft: true,
        }),
        label: Some(Untrusted::from("bug")),
        added_labels: vec![Untrusted::from("bug")],
        comment: Some(Comment {
            id: "77".into(),
            body: Untrusted::from("/agent fix this"),
            url: Some("https://github.com/acme/api/issues/12#c77".into()),
            state: Some("changes_requested".into()),
            path: Some(Untrusted::from("src/lib.rs")),
            line: Some(40),
        }),
        change: Some(Change {
            head_ref: Some(Untrusted::from("feature/x")),
            head: Some("a".repeat(40).parse::<Oid>().unwrap()),
            base_ref: Some(Untrusted::from("main")),
            base: Some("b".repeat(40).parse::<Oid>().unwrap()),
            fork: true,
            message: None,
        }),
        status: Some(Untrusted::from("In Progress")),
        conclusion: Some("failure".into()),
        project: Some("PAY".into()),
        level: Some("fatal".into()),
        environment: Some("production".into()),
        culprit: Some(Untrusted::from("app.main")),
        dispatch: Some(Untrusted::from("nightly")),
        confidential: true,
        ..Event::new(
            DeliveryId(uuid::Uuid::from_u128(7)),
            SourceKind::Github,
            github,
            EventType::CommentCreated,
        )
    }
}

pub fn holds(text: &str, event: &Event) -> Result<bool, String> {
    let condition = Condition::compile(text).map_err(|error| format!("{text}: {error:?}")).unwrap();
    condition.holds(&EventValue::new(event))
}
