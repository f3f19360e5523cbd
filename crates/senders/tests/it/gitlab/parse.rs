//! GitLab's bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, Identity, SourceKind};
use senders::{ParseError, parse};
use serde_json::{Value, json};

use crate::requests::{delivery, summary};

fn try_read(body: &Value) -> Result<Event, ParseError> {
    parse(SourceKind::Gitlab, &"gitlab".into(), &delivery(&[]), body.to_string().as_bytes())
}

fn read(body: &Value) -> Event {
    try_read(body).unwrap()
}

/// `body` with what `changes` holds in its place; objects are merged, null is put in.
fn with(mut body: Value, changes: Value) -> Value {
    fn merge(into: &mut Value, from: Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                from.into_iter()
                    .for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
            }
            (into, from) => *into = from,
        }
    }
    merge(&mut body, changes);
    body
}

fn project() -> Value {
    json!({"id": 5, "path_with_namespace": "acme/tools/api", "default_branch": "main",
        "web_url": "https://gitlab.example/acme/tools/api"})
}

fn issue(action: &str, changes: Value) -> Value {
    json!({
        "object_kind": "issue", "event_type": "issue",
        "user": {"id": 9, "username": "maintainer", "name": "A Name"}, "project": project(),
        "object_attributes": {
            "id": 301, "iid": 12, "title": "It breaks", "description": "Steps\u{0}", "action": action, "author_id": 9,
            "state": "opened", "url": "https://gitlab.example/acme/tools/api/-/issues/12",
            "updated_at": "2026-01-02 03:04:05 UTC", "labels": []
        },
        "labels": [{"id": 1, "title": "bug"}, {"id": 2, "title": "agent:fix"}],
        "changes": changes
    })
}

fn merge_request(action: &str, changes: Value) -> Value {
    json!({
        "object_kind": "merge_request", "event_type": "merge_request",
        "user": {"id": 9, "username": "maintainer"}, "project": project(),
        "object_attributes": {
            "id": 99, "iid": 7, "title": "Fix", "description": null, "action": action, "author_id": 4,
            "source_branch": "fix", "target_branch": "main", "source_project_id": 5, "target_project_id": 5,
            "last_commit": {"id": "1111111111111111111111111111111111111111"}, "draft": true,
            "updated_at": "2026-01-02T03:04:05.678Z"
        },
        "labels": [], "changes": changes
    })
}

fn note(about: Value) -> Value {
    with(
        json!({
            "object_kind": "note", "event_type": "note",
            "user": {"id": 9, "username": "maintainer"}, "project": project(),
            "object_attributes": {
                "id": 1241, "note": "/agent fix it", "noteable_type": "Issue", "action": "create", "system": false,
                "updated_at": "2026-01-02 03:04:05 UTC",
                "url": "https://gitlab.example/acme/tools/api/-/issues/12#note_1241"
            }
        }),
        about,
    )
}

fn about_issue() -> Value {
    json!({"issue": {"iid": 12, "title": "It breaks", "labels": [{"id": 1, "title": "bug"}], "author_id": 4}})
}

fn about_merge_request() -> Value {
    json!({"merge_request": {
        "iid": 7, "title": "Fix", "source_branch": "fix", "target_branch": "main",
        "source_project_id": 5, "target_project_id": 5,
        "last_commit": {"id": "1111111111111111111111111111111111111111"}
    }})
}

fn from_to(previous: Value, current: Value) -> Value {
    json!({"previous": previous, "current": current})
}

fn label(id: u64, title: &str) -> Value {
    json!({"id": id, "title": title})
}

#[test]
fn a_labelled_issue_in_full() {
    let labels =
        from_to(json!([label(1, "bug")]), json!([label(1, "bug"), label(2, "agent:fix"), label(3, "p1")]));
    let event = read(&issue("update", json!({"labels": labels})));
    assert_eq!(
        summary(&event),
        "issue.labeled repo=acme/tools/api about=gitlab:acme/tools/api#12 by=maintainer:Human labels=bug,agent:fix \
         added=agent:fix,p1 label=agent:fix"
    );
    assert_eq!(event.time, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(event.actor.unwrap().id, "9");
    assert_eq!(event.repository.unwrap().default_branch.as_deref(), Some("main"));
    let item = event.item.unwrap();
    assert_eq!(
        (item.key.as_str(), item.title.expose(), item.body.expose()),
        ("12", "It breaks", "Steps\u{fffd}")
    );
    assert_eq!(item.author.as_deref(), Some("maintainer"));
}

#[test]
fn issues() {
    let (bug, fix) = (label(1, "bug"), label(2, "agent:fix"));
    let renamed = from_to(json!([label(1, "bug")]), json!([label(1, "defect")]));
    let touched = json!({"updated_at": from_to(json!("a"), json!("b")), "last_edited_by_id": from_to(json!(1), json!(2))});
    let table = [
        (issue("open", json!({})), "issue.opened", None),
        (
            issue("open", json!({"labels": from_to(json!([]), json!([fix]))})),
            "issue.opened",
            Some("agent:fix"),
        ),
        (issue("close", json!({"labels": from_to(json!([]), json!([bug]))})), "issue.closed", None),
        (issue("reopen", json!({"labels": from_to(json!([]), json!([bug]))})), "issue.reopened", None),
        (
            issue("update", json!({"labels": from_to(json!([bug, fix]), json!([bug]))})),
            "issue.unlabeled",
            Some("agent:fix"),
        ),
        (
            issue("update", json!({"labels": from_to(json!([bug]), json!([fix]))})),
            "issue.labeled",
            Some("agent:fix"),
        ),
        (
            issue("update", json!({"labels": from_to(Value::Null, json!([fix]))})),
            "issue.labeled",
            Some("agent:fix"),
        ),
        // The same label by another name is no other label.
        (issue("update", json!({"labels": renamed})), "issue.edited", None),
        (
            issue("update", json!({"assignees": from_to(json!([]), json!([{"id": 4}]))})),
            "issue.assigned",
            None,
        ),
        (issue("update", json!({"assignees": from_to(json!([{"id": 4}]), json!([]))})), "issue.edited", None),
        (issue("update", json!({"assignee_id": from_to(Value::Null, json!(4))})), "issue.assigned", None),
        (issue("update", json!({"title": from_to(json!("a"), json!("b"))})), "issue.edited", None),
        // Closing is told twice, once as an update.
        (
            issue("update", json!({"state_id": from_to(json!(1), json!(2)), "closed_at": {}})),
            "issue.closed",
            None,
        ),
        (
            issue("update", json!({"state_id": from_to(json!(2), json!(1)), "closed_at": {}})),
            "issue.reopened",
            None,
        ),
        (
            issue("update", json!({"state_id": from_to(json!(2), json!(2))})),
            "unmapped.gitlab.issue.update",
            None,
        ),
        // What there was before is not all told.
        (issue("update", json!({"labels": from_to(json!([null]), json!([fix]))})), "issue.edited", None),
        (
            issue("update", json!({"labels": from_to(json!([{"title": "bug"}]), json!([fix]))})),
            "issue.labeled",
            Some("agent:fix"),
        ),
        (issue("update", json!({"labels": from_to(json!({}), json!([fix]))})), "issue.edited", None),
        (issue("update", json!({})), "unmapped.gitlab.issue.update", None),
        (issue("update", Value::Null), "unmapped.gitlab.issue.update", None),
        (issue("update", touched), "unmapped.gitlab.issue.update", None),
        (issue("frobnicate", json!({})), "unmapped.gitlab.issue.frobnicate", None),
        (issue("Not a word", json!({})), "unmapped.gitlab.issue", None),
    ];
    for (body, expected, label) in table {
        let event = read(&body);
        assert_eq!(event.r#type.to_string(), expected, "{body}");
        assert_eq!(event.label.as_ref().map(|label| label.expose()), label, "{body}");
    }
}

#[test]
fn an_update_of_an_old_version_says_nothing_of_its_changes() {
    let mut body = issue("update", json!({}));
    body.as_object_mut().unwrap().remove("changes");
    assert_eq!(read(&body).r#type.to_string(), "issue.edited");
}

/// Both deliveries of one closing have one key.
#[test]
fn closed_as_such_and_as_an_update() {
    let changes = json!({
        "state_id": from_to(json!(1), json!(2)),
        "updated_at": from_to(json!("2026-01-01 03:04:05 UTC"), json!("2026-01-02 03:04:05 UTC"))
    });
    let key = |action: &str| read(&issue(action, changes.clone())).semantic_key;
    assert!(key("close").is_some());
    assert_eq!(key("close"), key("update"));
}

#[test]
fn work_items_are_issues() {
    for kind in ["Task", "Incident", "Epic"] {
        let task = with(
            issue("open", json!({})),
            json!({"object_kind": "work_item", "object_attributes": {"type": kind}}),
        );
        let event = read(&task);
        assert_eq!(event.r#type.to_string(), "issue.opened");
        assert_eq!(event.work_item.unwrap().as_str(), "gitlab:acme/tools/api#12");
    }
    // An epic belongs to a group and to no repository.
    let epic = with(issue("open", json!({})), json!({"object_kind": "work_item", "project": null}));
    let event = read(&epic);
    assert!(event.repository.is_none() && event.work_item.is_none());
    assert_eq!(event.item.unwrap().key, "12");
}

#[test]
fn merge_requests() {
    let fix = || from_to(json!([]), json!([label(2, "agent:fix")]));
    let asked = |again: bool| json!({"id": 4, "re_requested": again});
    let reviewers = |previous, current| json!({"reviewers": from_to(previous, current)});
    let title = |previous: &str, current: &str| json!({"title": from_to(json!(previous), json!(current))});
    let pushed = |oldrev: Value| {
        with(merge_request("update", json!({})), json!({"object_attributes": {"oldrev": oldrev}}))
    };
    let draft = |previous, current| json!({"draft": from_to(json!(previous), json!(current))});
    let table = [
        (merge_request("open", json!({"labels": fix()})), "pull_request.opened"),
        (merge_request("close", json!({})), "pull_request.closed"),
        (merge_request("merge", json!({})), "pull_request.merged"),
        (merge_request("approved", json!({})), "review.submitted"),
        (merge_request("approval", json!({})), "review.submitted"),
        (merge_request("unapproved", json!({})), "unmapped.gitlab.merge_request.unapproved"),
        (merge_request("reopen", json!({})), "unmapped.gitlab.merge_request.reopen"),
        (pushed(json!("2222222222222222222222222222222222222222")), "pull_request.updated"),
        (pushed(json!("")), "unmapped.gitlab.merge_request.update"),
        (pushed(Value::Null), "unmapped.gitlab.merge_request.update"),
        (merge_request("update", json!({"labels": fix()})), "pull_request.labeled"),
        (merge_request("update", draft(true, false)), "pull_request.ready"),
        (merge_request("update", draft(false, true)), "unmapped.gitlab.merge_request.update"),
        (merge_request("update", title("Draft: Fix", "Fix")), "pull_request.ready"),
        (merge_request("update", title("WIP: Fix", "Fix")), "pull_request.ready"),
        (merge_request("update", title("Fix", "Fix it")), "unmapped.gitlab.merge_request.update"),
        (
            merge_request("update", reviewers(json!([]), json!([asked(false)]))),
            "pull_request.review_requested",
        ),
        (
            merge_request("update", reviewers(json!([asked(false)]), json!([asked(true)]))),
            "pull_request.review_requested",
        ),
        (
            merge_request("update", reviewers(json!([asked(true)]), json!([asked(true)]))),
            "unmapped.gitlab.merge_request.update",
        ),
        (
            merge_request("update", reviewers(json!([asked(false)]), json!([]))),
            "unmapped.gitlab.merge_request.update",
        ),
        (merge_request("update", json!({})), "unmapped.gitlab.merge_request.update"),
    ];
    for (body, expected) in table {
        assert_eq!(read(&body).r#type.to_string(), expected, "{body}");
    }
    let event = read(&merge_request("open", json!({"labels": fix()})));
    assert_eq!(
        summary(&event),
        "pull_request.opened repo=acme/tools/api about=gitlab:acme/tools/api!7 by=maintainer:Human added=agent:fix \
         label=agent:fix head=fix at=1111111 base=main draft keyed"
    );
    assert_eq!(event.item.unwrap().author, None, "an author's name is not told");
    assert_eq!(
        read(&merge_request("approved", json!({}))).comment.unwrap().state.as_deref(),
        Some("approved")
    );
}

#[test]
fn forks() {
    let table = [
        (json!({}), false),
        (json!({"source_project_id": 6}), true),
        (json!({"source_project_id": null}), true),
        (json!({"source_project_id": "5"}), false),
        (
            json!({"source_project_id": 6, "source": {"path_with_namespace": "a/b"}, "target": {"path_with_namespace": "a/b"}}),
            true,
        ),
        (
            json!({"source_project_id": null, "source": {"path_with_namespace": "a/b"}, "target": {"path_with_namespace": "a/b"}}),
            false,
        ),
        (
            json!({"source_project_id": null, "source": {"path_with_namespace": "x/b"}, "target": {"path_with_namespace": "a/b"}}),
            true,
        ),
        (json!({"source_project_id": null, "target_project_id": null, "source": null}), true),
    ];
    for (about, fork) in table {
        let body = with(merge_request("open", json!({})), json!({"object_attributes": about.clone()}));
        assert_eq!(read(&body).change.unwrap().fork, fork, "{about}");
        let body = note(with(about_merge_request(), json!({"merge_request": about.clone()})));
        assert_eq!(read(&body).change.unwrap().fork, fork, "{about}");
    }
}

#[test]
fn notes() {
    let position = |new_line: Value| {
        json!({"type": "DiffNote", "noteable_type": "MergeRequest",
            "position": {"new_path": "src/new.rs", "new_line": new_line, "old_path": "src/old.rs", "old_line": 8}})
    };
    let on_diff =
        |new_line| note(with(about_merge_request(), json!({"object_attributes": position(new_line)})));
    let prefix = "repo=acme/tools/api about=gitlab:acme/tools/api";
    let on_issue = format!("{prefix}#12 by=maintainer:Human labels=bug");
    let on_pull = format!("{prefix}!7 by=maintainer:Human comment=1241");
    let change = "head=fix at=1111111 base=main keyed";
    let table = [
        (note(about_issue()), format!("comment.created {on_issue} comment=1241 keyed")),
        (
            note(with(about_issue(), json!({"object_attributes": {"action": "update"}}))),
            format!("comment.edited {on_issue} comment=1241 keyed"),
        ),
        (
            note(with(about_issue(), json!({"object_attributes": {"action": null}}))),
            format!("comment.created {on_issue} comment=1241 keyed"),
        ),
        (
            note(with(about_issue(), json!({"object_attributes": {"action": "delete"}}))),
            format!("unmapped.gitlab.note.delete {on_issue} comment=1241"),
        ),
        (
            note(with(about_issue(), json!({"object_attributes": {"system": true}}))),
            format!("unmapped.gitlab.note.create {on_issue} comment=1241"),
        ),
        (
            note(with(about_issue(), json!({"event_type": "confidential_note"}))),
            format!("comment.created {on_issue} comment=1241 confidential keyed"),
        ),
        (
            note(with(about_issue(), json!({"object_attributes": {"internal": true}}))),
            format!("comment.created {on_issue} comment=1241 confidential keyed"),
        ),
        (note(about_merge_request()), format!("comment.created {on_pull} {change}")),
        (on_diff(json!(3)), format!("review_comment.created {on_pull} path=src/new.rs line=3 {change}")),
        // The line was removed: it has a place in the old file only.
        (on_diff(Value::Null), format!("review_comment.created {on_pull} path=src/old.rs line=8 {change}")),
        (
            with(on_diff(json!(3)), json!({"object_attributes": {"action": "update"}})),
            format!("comment.edited {on_pull} path=src/new.rs line=3 {change}"),
        ),
        (
            with(on_diff(json!(3)), json!({"object_attributes": {"position": null}})),
            format!("review_comment.created {on_pull} {change}"),
        ),
        (
            note(json!({"commit": {"id": "3333333333333333333333333333333333333333"}})),
            "comment.created repo=acme/tools/api by=maintainer:Human comment=1241 at=3333333 keyed"
                .to_owned(),
        ),
        (
            note(json!({"snippet": {"id": 53}})),
            "comment.created repo=acme/tools/api by=maintainer:Human comment=1241 keyed".to_owned(),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(summary(&read(&body)), expected, "{body}");
    }
    let item = read(&note(about_issue())).item.unwrap();
    assert_eq!(item.url.as_deref(), Some("https://gitlab.example/acme/tools/api/-/issues/12"));
    assert_eq!(item.author, None, "another wrote the issue");
}

#[test]
fn who_is_a_person() {
    let table = [
        (json!({"id": 9, "username": "maintainer"}), Some(("9", ActorKind::Human))),
        (json!({"id": "9", "username": "maintainer"}), Some(("9", ActorKind::Human))),
        (json!({"username": "maintainer"}), Some(("@maintainer", ActorKind::Human))),
        (json!({"id": 9, "username": "project_15_bot"}), Some(("9", ActorKind::Bot))),
        (json!({"id": 9, "username": "project_15_bot_3e1c"}), Some(("9", ActorKind::Bot))),
        (json!({"id": 9, "username": "Group_15_bot1"}), Some(("9", ActorKind::Bot))),
        (json!({"id": 9, "username": "service_account_group_1_ab"}), Some(("9", ActorKind::Bot))),
        (json!({"id": 9, "username": "support-bot1"}), Some(("9", ActorKind::Bot))),
        (json!({"id": 9, "username": "project_x_bot"}), Some(("9", ActorKind::Human))),
        (json!({"id": 9, "username": "project__bot"}), Some(("9", ActorKind::Human))),
        (json!({"id": 9, "username": "robot"}), Some(("9", ActorKind::Human))),
        (json!({"id": 9, "name": "maintainer"}), None),
        (Value::Null, None),
        (json!([]), None),
    ];
    for (user, expected) in table {
        let mut body = issue("open", json!({}));
        body["user"] = user.clone();
        let actor = read(&body).actor;
        assert_eq!(actor.as_ref().map(|actor| (actor.id.as_str(), actor.kind)), expected, "{user}");
    }
    let push = json!({"object_kind": "push", "user_id": 4, "user_username": "pusher", "user_name": "root"});
    assert_eq!(read(&push).actor.unwrap().login, "pusher");
    // What somebody calls himself is not who he is.
    assert!(read(&with(push, json!({"user_username": null}))).actor.is_none());
    let joined = json!({"event_name": "user_add_to_team", "user_id": 4, "user_username": "member"});
    assert!(read(&joined).actor.is_none(), "that is who was added");
}

#[test]
fn pushes_pipelines_jobs_and_releases() {
    let zero = "0000000000000000000000000000000000000000";
    let push = json!({"object_kind": "push", "ref": "refs/heads/main", "before": zero, "project": project(),
        "after": "1111111111111111111111111111111111111111", "checkout_sha": null, "user_id": 4, "user_username": "p"});
    let pipeline = |status: &str| {
        json!({"object_kind": "pipeline", "project": project(), "user": {"id": 4, "username": "p"},
            "object_attributes": {"id": 31, "iid": 3, "ref": "v1", "tag": true, "status": status,
                "sha": "1111111111111111111111111111111111111111", "finished_at": "2026-01-02 03:04:05 UTC"}})
    };
    let of_merge_request = |target: u64, source: u64| {
        with(
            pipeline("failed"),
            json!({"merge_request": {"iid": 7, "source_branch": "fix", "target_branch": "main",
            "source_project_id": source, "target_project_id": target}}),
        )
    };
    let job = |status: &str| {
        json!({"object_kind": "build", "ref": "main", "sha": "1111111111111111111111111111111111111111",
            "build_status": status, "project": project()})
    };
    let release = |action: &str| {
        json!({"object_kind": "release", "action": action, "tag": "v1", "project": project(),
            "created_at": "2026-01-02 03:04:05 UTC", "commit": {"id": "1111111111111111111111111111111111111111"}})
    };
    let here = "repo=acme/tools/api";
    let table = [
        (push.clone(), format!("push {here} by=p:Human at=1111111 base=refs/heads/main from=0000000")),
        (
            with(push, json!({"object_kind": "tag_push", "ref": "refs/tags/v1"})),
            format!("push {here} by=p:Human at=1111111 base=refs/tags/v1 from=0000000"),
        ),
        (
            pipeline("success"),
            format!("pipeline.completed {here} by=p:Human head=refs/tags/v1 at=1111111 ended=success keyed"),
        ),
        (
            pipeline("canceled"),
            format!(
                "pipeline.completed {here} by=p:Human head=refs/tags/v1 at=1111111 ended=cancelled keyed"
            ),
        ),
        (
            pipeline("running"),
            format!("unmapped.gitlab.pipeline.running {here} by=p:Human head=refs/tags/v1 at=1111111"),
        ),
        (
            pipeline("manual"),
            format!("unmapped.gitlab.pipeline.manual {here} by=p:Human head=refs/tags/v1 at=1111111"),
        ),
        (
            of_merge_request(5, 5),
            format!(
                "pipeline.completed {here} about=gitlab:acme/tools/api!7 by=p:Human head=fix at=1111111 base=main ended=failure keyed"
            ),
        ),
        (
            of_merge_request(5, 6),
            format!(
                "pipeline.completed {here} about=gitlab:acme/tools/api!7 by=p:Human head=fix at=1111111 base=main ended=failure fork keyed"
            ),
        ),
        // It belongs to a merge request of another project.
        (
            of_merge_request(8, 5),
            format!(
                "pipeline.completed {here} by=p:Human head=fix at=1111111 base=main ended=failure fork keyed"
            ),
        ),
        (job("failed"), format!("unmapped.gitlab.build.failed {here} head=main at=1111111 ended=failure")),
        (job("running"), format!("unmapped.gitlab.build.running {here} head=main at=1111111")),
        (release("create"), format!("release.published {here} at=1111111 base=refs/tags/v1 keyed")),
        (release("update"), format!("unmapped.gitlab.release.update {here} at=1111111 base=refs/tags/v1")),
        (
            json!({"object_kind": "emoji", "object_attributes": {"action": "award"}}),
            "unmapped.gitlab.emoji.award".to_owned(),
        ),
        (json!({"event_name": "project_create"}), "unmapped.gitlab.project_create".to_owned()),
        (json!({"event_name": "repository_update"}), "unmapped.gitlab.repository_update".to_owned()),
    ];
    for (body, expected) in table {
        assert_eq!(summary(&read(&body)), expected, "{body}");
    }
}

#[test]
fn confidential_issues() {
    let flags =
        [json!({"object_attributes": {"confidential": true}}), json!({"event_type": "confidential_issue"})];
    for flag in flags {
        let event = read(&with(issue("open", json!({})), flag));
        assert!(event.confidential);
        assert_eq!(event.r#type.to_string(), "issue.opened");
    }
    let by_header = delivery(&[("x-gitlab-event", "Confidential Issue Hook")]);
    let body = issue("open", json!({})).to_string();
    assert!(parse(SourceKind::Gitlab, &"gitlab".into(), &by_header, body.as_bytes()).unwrap().confidential);
    assert!(!read(&issue("open", json!({}))).confidential);
}

#[test]
fn ids_are_believed_as_far_as_they_are_signed() {
    let body = issue("open", json!({})).to_string();
    let identity = |headers: &[(&str, &str)]| {
        let event = parse(SourceKind::Gitlab, &"gitlab".into(), &delivery(headers), body.as_bytes()).unwrap();
        (event.sender_id, event.identity)
    };
    let (unsigned, id) = (("idempotency-key", "u"), ("webhook-id", "s"));
    let signature = ("webhook-signature", "v1,x");
    assert_eq!(identity(&[unsigned, id, signature]), (Some("s".to_owned()), Identity::SenderId));
    assert_eq!(identity(&[unsigned, id]), (Some("u".to_owned()), Identity::Body));
    assert_eq!(identity(&[id]), (Some("s".to_owned()), Identity::Body));
    assert_eq!(identity(&[("x-gitlab-event-uuid", "shared")]), (None, Identity::Body));
}

#[test]
fn one_happening_has_one_key() {
    let key = |body: &Value| read(body).semantic_key;
    let changes = |title: &str| json!({"labels": from_to(json!([]), json!([label(2, title)])), "updated_at": from_to(json!("a"), json!("b"))});
    let labeled = issue("update", changes("agent:fix"));
    let base = key(&labeled);
    assert!(base.is_some());
    // A group's hook and the system's say a little more or less around it.
    assert_eq!(key(&with(labeled.clone(), json!({"event_type": null, "repository": {"name": "x"}}))), base);
    let others = [
        issue("update", changes("other")),
        issue("open", changes("agent:fix")),
        with(labeled.clone(), json!({"object_attributes": {"iid": 13}})),
        with(labeled.clone(), json!({"object_attributes": {"updated_at": "2026-01-02 03:04:06 UTC"}})),
        with(labeled.clone(), json!({"user": {"username": "another"}})),
        with(labeled.clone(), json!({"project": {"path_with_namespace": "acme/web"}})),
        with(labeled.clone(), json!({"project": {"web_url": "https://gitlab.com/acme/tools/api"}})),
    ];
    for other in others {
        assert_ne!(key(&other), base, "{other}");
    }
    // Nothing tells two of these apart.
    let unmoved = issue("update", json!({"labels": from_to(json!([]), json!([label(2, "agent:fix")]))}));
    let untimed = with(labeled, json!({"object_attributes": {"updated_at": null}}));
    let push = json!({"object_kind": "push", "ref": "r", "before": "a", "after": "b", "project": project()});
    for keyless in [unmoved, untimed, push, merge_request("approved", json!({}))] {
        assert_eq!(key(&keyless), None, "{keyless}");
    }
    assert_ne!(
        key(&note(about_issue())),
        key(&note(with(about_issue(), json!({"object_attributes": {"id": 1242}}))))
    );
}

#[test]
fn absent_null_and_wrong_typed_fields() {
    let wrong = [
        Value::Null,
        json!(5),
        json!("text"),
        json!([]),
        json!({}),
        json!([null, 3, {"id": {}}]),
        json!(true),
    ];
    let paths = [
        "/user",
        "/project",
        "/labels",
        "/changes",
        "/object_attributes/description",
        "/object_attributes/updated_at",
        "/object_attributes/url",
        "/object_attributes/author_id",
        "/event_type",
    ];
    for path in paths {
        for value in &wrong {
            let mut body = issue("open", json!({}));
            *body.pointer_mut(path).unwrap() = value.clone();
            let event = read(&body);
            assert_eq!(event.r#type.to_string(), "issue.opened", "{path} {value}");
            assert_eq!(event.item.unwrap().key, "12", "{path} {value}");
        }
    }
    for path in ["../../etc", "api", "-x/y", "a/b c", "a//b"] {
        let event = read(&with(issue("open", json!({})), json!({"project": {"path_with_namespace": path}})));
        assert!(event.repository.is_none() && event.work_item.is_none(), "{path}");
    }
    for iid in [json!(-1), json!("12"), json!(1.5), Value::Null] {
        let event = read(&with(issue("open", json!({})), json!({"object_attributes": {"iid": iid}})));
        assert!(event.item.is_none() && event.work_item.is_none());
    }
}

#[test]
fn what_cannot_be_read() {
    let raw = |body: &[u8]| parse(SourceKind::Gitlab, &"gitlab".into(), &delivery(&[]), body);
    for body in [&b"{"[..], b"[]", b"null", b"\xff", b""] {
        assert!(matches!(raw(body), Err(ParseError::Json(_))));
    }
    // A hook with a body template of its own.
    for body in
        [json!({}), json!({"text": "hello"}), json!({"object_kind": 5}), json!({"object_kind": "a b"})]
    {
        assert!(matches!(try_read(&body), Err(ParseError::Nameless("object_kind"))), "{body}");
    }
}
