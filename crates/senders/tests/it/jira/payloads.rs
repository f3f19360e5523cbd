//! Real bodies: all are taken, believed when signed, and read right.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use schemas::Event;
use senders::{Jira, Sender, parse};

use crate::requests::{delivery, headers, hub_signature, summary};

/// Signs, verifies and reads one file.
fn read(path: &Path) -> Event {
    let raw = std::fs::read(path).unwrap();
    let sender = Sender::Jira(Jira::signed(&[b"secret".to_vec()]).unwrap());
    let signature = hub_signature(b"secret", &raw);
    let now: DateTime<Utc> = DateTime::UNIX_EPOCH;
    sender.verify(&headers(&[("x-hub-signature", &signature)]), &raw, now).unwrap();
    parse(sender.kind(), &"jira".into(), &delivery(&[]), &raw)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn all_bodies_are_read() {
    let Some(folder) = crate::recorded::folder() else { return };
    let all: Vec<PathBuf> =
        std::fs::read_dir(folder.join("jira")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in &all {
        let event = read(path);
        assert!(
            event.work_item.is_some() && event.actor.is_some() && event.time.is_some(),
            "{}",
            path.display()
        );
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event, "{}", path.display());
    }
    assert!(all.len() >= 30, "{}", all.len());
}

#[test]
fn bodies_are_read_right() {
    let Some(folder) = crate::recorded::folder() else { return };
    let table = [
        (
            "comment_created.cloud.cloud-comment-created",
            "comment.created about=jira:TES-41 project=TES by=admin:Human comment=10019 keyed",
        ),
        (
            "comment_created.cloud.cloud-comment-created-mention-user",
            "comment.created about=jira:TES-41 project=TES by=admin:Human comment=10019 keyed",
        ),
        (
            "comment_deleted.cloud.cloud-comment-deleted",
            "unmapped.jira.comment_deleted about=jira:KT-7 project=KT by=5cedcb4355a88a0fc86388ba:Human comment=10757",
        ),
        (
            "comment_deleted.data-center.server-comment-deleted",
            "unmapped.jira.comment_deleted about=jira:10013 by=levbrouk:Human comment=10084",
        ),
        (
            "comment_updated.data-center.server-comment-updated",
            "comment.edited about=jira:10013 by=levbrouk:Human comment=10084 keyed",
        ),
        (
            "issue_created.cloud.cloud-issue-created-many-fields",
            "issue.opened about=jira:KT-22 project=KT by=sample.user:Human labels=Label1,Label2 keyed",
        ),
        (
            "issue_created.cloud.issue-created",
            "issue.opened about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_created.cloud.issue-created-no-description",
            "issue.opened about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_created.cloud.issue-created-no-relevant-fields",
            "issue.opened about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_deleted.cloud.issue-deleted",
            "unmapped.jira.issue_deleted about=jira:IDT-19 project=IDT by=admin:Human",
        ),
        (
            "issue_updated.cloud.issue-assigned-empty-changelog",
            "issue.assigned about=jira:TEST-123 project=TEST by=123456:Human keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-assigned-nobody",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-attachments",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=sad,test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-components",
            "issue.edited about=jira:TES-10 project=TES by=5cedcb4355a88a0fc86388ba:Human labels=ee,eeee,tt,ww keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-fix-version",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-issue-type",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-labels",
            "issue.labeled about=jira:TES-41 project=TES by=admin:Human labels=sad,test-label added=sad label=sad keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-multiple-custom-fields",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=sad,test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-raised-priority",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=sad,test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-rank",
            "unmapped.jira.issue_updated about=jira:TES-41 project=TES by=admin:Human labels=sad,test-label",
        ),
        (
            "issue_updated.cloud.issue-updated-reopened",
            "issue.transitioned about=jira:TES-41 project=TES by=admin:Human labels=test-label status=To Do keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-reopened-one-changelog",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=test-label keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-resolved",
            "issue.transitioned about=jira:TES-41 project=TES by=admin:Human labels=test-label status=Done keyed",
        ),
        (
            "issue_updated.cloud.issue-updated-sprint",
            "issue.edited about=jira:TES-41 project=TES by=admin:Human labels=sad,test-label keyed",
        ),
        (
            "issue_updated.data-center.issue-updated-assigned-on-server",
            "issue.assigned about=jira:PRJA-37 project=PRJA by=admin:Human keyed",
        ),
        (
            "issue_updated.data-center.server-issue-updated-comment-deleted",
            "unmapped.jira.issue_updated.issue_comment_deleted about=jira:PRJX-14 project=PRJX by=levbrouk:Human",
        ),
        (
            "issue_updated.data-center.server-issue-updated-comment-edited",
            "comment.edited about=jira:PRJX-14 project=PRJX by=levbrouk:Human comment=10084 keyed",
        ),
        (
            "issue_updated.data-center.server-issue-updated-commented-2",
            "comment.created about=jira:PRJA-42 project=PRJA by=TestUser:Human comment=10118 keyed",
        ),
        (
            "issue_updated.data-center.server-issue-updated-commented-3",
            "comment.created about=jira:PRJA-42 project=PRJA by=TestUser:Human comment=10118 keyed",
        ),
        (
            "issue_updated.data-center.server-issue-updated-in-progress",
            "issue.transitioned about=jira:TES-4 project=TES by=admin:Human status=In Progress keyed",
        ),
        (
            "issue_updated.data-center.server-issue-updated-many-fields",
            "issue.unlabeled about=jira:HEY-15 project=HEY by=mickmister:Human labels=\"oh,dc,ee,h,yeah\" label=s keyed",
        ),
        (
            "issue_updated.data-center.server-issue-updated-resolved",
            "issue.transitioned about=jira:TES-4 project=TES by=admin:Human status=Resolved keyed",
        ),
        (
            "issue_updated.data-center.server-updated-custom-field",
            "issue.edited about=jira:TES-8 project=TES by=test:Human keyed",
        ),
    ];
    for (file, expected) in table {
        assert_eq!(summary(&read(&folder.join(format!("jira/{file}.json")))), expected, "{file}");
    }
}

#[test]
fn a_comment_told_twice_has_one_key() {
    let Some(folder) = crate::recorded::folder() else { return };
    let event = |file: &str| read(&folder.join(format!("jira/{file}.json")));
    let own = event("comment_updated.data-center.server-comment-updated");
    let twin = event("issue_updated.data-center.server-issue-updated-comment-edited");
    assert_eq!(own.r#type, twin.r#type);
    assert!(own.semantic_key.is_some());
    assert_eq!(own.semantic_key, twin.semantic_key);
    assert_ne!(
        own.semantic_key,
        event("issue_updated.data-center.server-issue-updated-commented-2").semantic_key
    );
}

#[test]
fn items_and_comments_in_full() {
    let Some(folder) = crate::recorded::folder() else { return };
    let event = |file: &str| read(&folder.join(format!("jira/{file}.json")));
    let created = event("issue_created.cloud.issue-created");
    assert_eq!(created.time, DateTime::from_timestamp_millis(1_550_286_113_023));
    let item = created.item.unwrap();
    assert_eq!(item.title.expose(), "Unit test summary");
    assert_eq!(item.body.expose(), "Unit test description, not that long");
    assert_eq!(item.url.as_deref(), Some("https://some-instance-test.atlassian.net/browse/TES-41"));
    let actor = created.actor.unwrap();
    assert_eq!((actor.id.as_str(), actor.login.as_str()), ("5c5f880629be9642ba529340", "admin"));
    let comment = event("comment_created.cloud.cloud-comment-created").comment.unwrap();
    assert_eq!(comment.body.expose(), "Added a comment");
}
