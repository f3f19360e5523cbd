//! Real bodies: all of them are taken, signed, and read; those with a mapping are read right.

use std::path::PathBuf;

use chrono::DateTime;
use schemas::Event;
use schemas::event::EventType;
use senders::{GitHub, Sender, parse};

use crate::recorded;
use crate::requests::{delivery, headers, hub_signature};

/// Signs, verifies and reads one file; its name begins with the event's.
fn read(path: &PathBuf) -> Event {
    let raw = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap();
    let signature = hub_signature(b"secret", &raw);
    let sender = Sender::GitHub(GitHub::new(vec![b"secret".to_vec()]).unwrap());
    sender.verify(&headers(&[("x-hub-signature-256", &signature)]), &raw, DateTime::UNIX_EPOCH).unwrap();
    let delivery = delivery(&[("x-github-event", name)]);
    parse(sender.kind(), &"github".into(), &delivery, &raw)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn all_bodies_are_read() {
    let Some(folder) = recorded::folder() else { return };
    let mut count = 0;
    for folder in [folder.join("github"), folder.join("github/edge")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let event = read(&path);
                // One fixture was trimmed by who published it, down to `"repository": null`.
                let trimmed = path.ends_with("pull_request.closed.head_repo_null.json");
                if !trimmed && !matches!(event.r#type, EventType::Unmapped(_)) {
                    assert!(event.repository.is_some(), "{}", path.display());
                    assert!(event.actor.is_some(), "{}", path.display());
                }
                let json = serde_json::to_string(&event).unwrap();
                assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event, "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 170, "{count}");
}

#[test]
fn mapped_bodies_are_read_right() {
    let Some(folder) = recorded::folder() else { return };
    let hello = "Codertocat/Hello-World";
    // File, type, repository, item key, label, state of the comment or review (a comment has none).
    let table = [
        ("issues.opened", "issue.opened", hello, Some("1"), None, None),
        ("issues.edited", "issue.edited", hello, Some("1"), None, None),
        ("issues.labeled", "issue.labeled", hello, Some("1"), Some("bug"), None),
        ("issues.unlabeled", "issue.unlabeled", hello, Some("1"), Some("bug"), None),
        ("issues.assigned", "issue.assigned", hello, Some("1"), None, None),
        ("issues.closed", "issue.closed", "Pritesh-30/test-repo", Some("8"), None, None),
        ("issues.reopened", "issue.reopened", hello, Some("1"), None, None),
        ("issue_comment.created", "comment.created", hello, Some("1"), None, Some("")),
        ("issue_comment.edited", "comment.edited", hello, Some("1"), None, Some("")),
        ("pull_request.opened", "pull_request.opened", hello, Some("2"), None, None),
        ("pull_request.synchronize", "pull_request.updated", hello, Some("2"), None, None),
        ("pull_request.labeled", "pull_request.labeled", hello, Some("2"), Some("bug"), None),
        ("pull_request.ready_for_review", "pull_request.ready", hello, Some("2"), None, None),
        ("pull_request.review_requested", "pull_request.review_requested", hello, Some("2"), None, None),
        ("pull_request.closed", "pull_request.closed", hello, Some("2"), None, None),
        ("pull_request_review.submitted", "review.submitted", hello, Some("2"), None, Some("commented")),
        ("pull_request_review_comment.created", "review_comment.created", hello, Some("2"), None, Some("")),
        ("push", "push", hello, None, None, None),
        ("check_suite.completed", "pipeline.completed", hello, None, None, None),
        ("workflow_run.completed", "pipeline.completed", hello, None, None, None),
        ("release.published", "release.published", hello, None, None, None),
        ("repository_dispatch.on-demand-test", "dispatch.received", "octo-org/octo-repo", None, None, None),
        (
            "edge/issue_comment.created.on_pull_request",
            "comment.created",
            "chhsia0/knative-route-demo",
            Some("3"),
            None,
            Some(""),
        ),
        ("ping", "unmapped.github.ping", "Octocoders/Hello-World", None, None, None),
    ];
    for (file, r#type, repository, key, label, state) in table {
        let event = read(&folder.join(format!("github/{file}.json")));
        assert_eq!(event.r#type.to_string(), r#type, "{file}");
        assert_eq!(event.repository.as_ref().unwrap().name.path, repository, "{file}");
        assert_eq!(event.item.as_ref().map(|item| item.key.as_str()), key, "{file}");
        assert_eq!(event.label.as_ref().map(|label| label.expose()), label, "{file}");
        let got = event.comment.as_ref().map(|comment| comment.state.as_deref().unwrap_or_default());
        assert_eq!(got, state, "{file}");
        if let Some(key) = key {
            assert_eq!(event.work_item.unwrap().as_str(), format!("github:{repository}#{key}"), "{file}");
        }
        let keyless = matches!(event.r#type, EventType::DispatchReceived | EventType::Unmapped(_));
        assert_eq!(event.semantic_key.is_none(), keyless, "{file}");
        assert_eq!(event.time.is_none(), keyless, "{file}");
    }
}

#[test]
fn edges() {
    let Some(folder) = recorded::folder() else { return };
    let edge = |name: &str| read(&folder.join(format!("github/edge/{name}.json")));
    assert!(edge("issue_comment.created.on_pull_request").item.unwrap().is_pull_request);
    assert!(edge("issue_comment.created.on_pull_request.2").item.unwrap().is_pull_request);
    assert!(edge("pull_request.closed.head_repo_null").change.unwrap().fork);
    assert!(edge("pull_request_review.submitted.fork").change.unwrap().fork);
    assert!(!read(&folder.join("github/pull_request.opened.json")).change.unwrap().fork);
    assert!(edge("push.branch_create").change.unwrap().base.unwrap().is_zero());
    assert!(edge("push.branch_delete").change.unwrap().head.unwrap().is_zero());
    assert!(edge("push.tag_delete").change.unwrap().head.unwrap().is_zero());
    let suite = read(&folder.join("github/check_suite.completed.json"));
    assert_eq!(suite.work_item.unwrap().as_str(), "github:Codertocat/Hello-World#2");
}
