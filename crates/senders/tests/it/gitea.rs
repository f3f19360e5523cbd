//! Gitea's and Forgejo's bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, SourceKind};
use senders::ParseError;
use serde_json::{Value, json};

use crate::world::{line, read, read_raw, with};

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn hook(event: &str, body: &Value) -> Result<Event, ParseError> {
    read(SourceKind::Gitea, &[("x-gitea-event", event), ("x-gitea-delivery", "f6266f16")], body)
}

fn repository() -> Value {
    json!({
        "id": 7, "full_name": "acme/api", "default_branch": "main", "html_url": "https://git.example/acme/api",
        "updated_at": "2026-01-02T03:04:05+01:00"
    })
}

fn ada() -> Value {
    json!({"id": 9, "login": "ada", "username": "ada"})
}

fn issue(action: &str) -> Value {
    json!({
        "action": action, "number": 12, "repository": repository(), "sender": ada(),
        "issue": {
            "id": 500, "number": 12, "title": "It breaks", "body": "Steps", "user": ada(), "pull_request": null,
            "labels": [{"id": 1, "name": "bug"}, {"id": 2, "name": "agent:fix"}],
            "html_url": "https://git.example/acme/api/issues/12", "updated_at": "2026-01-02T03:04:05+01:00"
        }
    })
}

fn pull(action: &str) -> Value {
    let end = |name: &str, sha: &str| json!({"ref": name, "sha": sha, "repo": repository()});
    json!({
        "action": action, "number": 7, "repository": repository(), "sender": ada(), "review": null,
        "pull_request": {
            "id": 9, "number": 7, "title": "Fix", "merged": false, "updated_at": "2026-01-02T03:04:05+01:00",
            "head": end("fix", ONE), "base": end("main", TWO)
        }
    })
}

fn commented(on_pull: bool) -> Value {
    let mut body = with(
        issue("created"),
        "/comment",
        json!({
            "id": 3, "body": "/agent", "html_url": "https://git.example/c", "updated_at": "2026-01-02T03:04:06Z"
        }),
    );
    if on_pull {
        body = with(with(body, "/is_pull", json!(true)), "/issue/pull_request", json!({"merged": false}));
    }
    body
}

fn reviewed(kind: &str) -> Value {
    with(pull("reviewed"), "/review", json!({"type": kind, "content": "Not yet"}))
}

#[test]
fn each_event() {
    let pr = "work=gitea:acme/api#7 repo=acme/api by=ada/Human key=7 title=Fix pr=yes";
    let change = "from=fix to=main head=1111111 base=2222222";
    let at = "at=2026-01-02T02:04:05 same=key";
    let issue_is = "work=gitea:acme/api#12 repo=acme/api by=ada/Human key=12 title=It breaks";
    let added = with(
        issue("label_updated"),
        "/changes",
        json!({"added_labels": [{"name": "agent:fix"}], "removed_labels": []}),
    );
    let removed = with(
        issue("label_updated"),
        "/changes",
        json!({"added_labels": null, "removed_labels": [{"name": "old"}]}),
    );
    let push = json!({"ref": "refs/heads/main", "before": ONE, "after": TWO, "repository": repository(), "sender": ada()});
    let run = json!({
        "action": "completed", "repository": repository(), "sender": ada(),
        "workflow_run": {
            "id": 4, "head_sha": ONE, "head_branch": "fix", "conclusion": "failure",
            "repository": repository(), "head_repository": repository(), "completed_at": "2026-01-02T02:04:05Z"
        }
    });
    let action_run = json!({
        "action": "failure", "prior_status": "success",
        "run": {
            "id": 4, "commit_sha": ONE, "prettyref": "fix", "status": "failure", "is_fork_pull_request": false,
            "repository": repository(), "trigger_user": ada(), "stopped": "2026-01-02T02:04:05Z"
        }
    });
    let release = json!({
        "action": "published", "repository": repository(), "sender": ada(),
        "release": {"id": 1, "tag_name": "v1", "published_at": "2026-01-02T02:04:05Z"}
    });
    let table = [
        ("issues", issue("opened"), format!("issue.opened {issue_is} {at}")),
        ("issues", added.clone(), format!("issue.labeled {issue_is} label=agent:fix {at}")),
        ("issue_label", added, format!("issue.labeled {issue_is} label=agent:fix {at}")),
        ("issues", removed, format!("issue.unlabeled {issue_is} label=old {at}")),
        ("issues", issue("label_updated"), format!("issue.labeled {issue_is} {at}")),
        ("issues", issue("label_cleared"), format!("issue.unlabeled {issue_is} {at}")),
        (
            "issue_comment",
            commented(false),
            format!("comment.created {issue_is} comment=3 at=2026-01-02T03:04:06 same=key"),
        ),
        (
            "issue_comment",
            commented(true),
            format!("comment.created {issue_is} pr=yes comment=3 at=2026-01-02T03:04:06 same=key"),
        ),
        (
            "pull_request_comment",
            commented(true),
            format!("comment.created {issue_is} pr=yes comment=3 at=2026-01-02T03:04:06 same=key"),
        ),
        ("pull_request", pull("opened"), format!("pull_request.opened {pr} {change} {at}")),
        ("pull_request_sync", pull("synchronized"), format!("pull_request.updated {pr} {change} {at}")),
        (
            "pull_request_rejected",
            reviewed("pull_request_review_rejected"),
            format!("review.submitted {pr} comment= state=changes_requested {change} {at}"),
        ),
        (
            "pull_request_review_approved",
            reviewed("pull_request_review_approved"),
            format!("review.submitted {pr} comment= state=approved {change} {at}"),
        ),
        (
            "pull_request_comment",
            reviewed("pull_request_review_comment"),
            format!("review.submitted {pr} comment= state=commented {change} {at}"),
        ),
        (
            "push",
            push,
            "push repo=acme/api by=ada/Human to=refs/heads/main head=2222222 base=1111111 same=key"
                .to_owned(),
        ),
        (
            "workflow_run",
            run,
            format!(
                "pipeline.completed repo=acme/api by=ada/Human from=fix head=1111111 conclusion=failure {at}"
            ),
        ),
        (
            "action_run_failure",
            action_run,
            format!(
                "pipeline.completed repo=acme/api by=ada/Human from=fix head=1111111 conclusion=failure {at}"
            ),
        ),
        ("release", release, format!("release.published repo=acme/api by=ada/Human to=refs/tags/v1 {at}")),
    ];
    for (event, body, expected) in table {
        assert_eq!(line(&hook(event, &body).unwrap()), expected, "{event}");
    }
}

#[test]
fn types() {
    let titled = |from: &str, to: &str| {
        let changed = with(pull("edited"), "/changes", json!({"title": {"from": from}}));
        with(changed, "/pull_request/title", json!(to))
    };
    let merged = with(pull("closed"), "/pull_request/merged", json!(true));
    let none_left = with(issue("label_updated"), "/issue/labels", json!([]));
    let table = [
        ("issues", issue("edited"), "issue.edited"),
        ("issues", issue("assigned"), "issue.assigned"),
        ("issues", issue("closed"), "issue.closed"),
        ("issues", issue("reopened"), "issue.reopened"),
        ("issues", none_left, "issue.unlabeled"),
        ("issues", issue("milestoned"), "unmapped.gitea.issues.milestoned"),
        ("issues", issue("two words"), "unmapped.gitea.issues"),
        ("pull_request", pull("closed"), "pull_request.closed"),
        ("pull_request", merged, "pull_request.merged"),
        ("pull_request", pull("review_requested"), "pull_request.review_requested"),
        (
            "pull_request",
            with(pull("label_updated"), "/pull_request/labels", json!([{"name": "x"}])),
            "pull_request.labeled",
        ),
        ("pull_request", pull("label_updated"), "unmapped.gitea.pull_request.label_updated"),
        ("pull_request", titled("WIP: Fix", "Fix"), "pull_request.ready"),
        ("pull_request", titled("[wip] Fix", "Fix"), "pull_request.ready"),
        ("pull_request", titled("WIP: Fix", "WIP: Mend"), "unmapped.gitea.pull_request.edited"),
        ("pull_request", titled("é", "Fix"), "unmapped.gitea.pull_request.edited"),
        ("issue_comment", with(commented(false), "/action", json!("edited")), "comment.edited"),
        (
            "issue_comment",
            with(commented(false), "/action", json!("deleted")),
            "unmapped.gitea.issue_comment.deleted",
        ),
        ("wiki", json!({"action": "created"}), "unmapped.gitea.wiki.created"),
        ("create", json!({"ref": "x", "ref_type": "branch"}), "unmapped.gitea.create"),
    ];
    for (event, body, expected) in table {
        assert_eq!(hook(event, &body).unwrap().r#type.to_string(), expected, "{event} {body}");
    }
    assert!(
        hook("pull_request", &with(pull("opened"), "/pull_request/title", json!("WIP: Fix")))
            .unwrap()
            .item
            .unwrap()
            .draft
    );
}

#[test]
fn a_body_under_another_event_is_not_believed() {
    let disagrees = [
        ("issues", commented(false)),
        ("issues", pull("opened")),
        ("issue_comment", issue("opened")),
        ("pull_request", reviewed("pull_request_review_approved")),
        ("pull_request", issue("opened")),
        ("pull_request_approved", pull("opened")),
        ("push", issue("opened")),
        ("push", json!({"ref": "main", "ref_type": "branch", "before": "", "after": ""})),
        ("release", issue("published")),
        ("workflow_run", issue("completed")),
        ("action_run_success", issue("success")),
    ];
    for (event, body) in disagrees {
        assert!(matches!(hook(event, &body), Err(ParseError::Disagrees { .. })), "{event} {body}");
    }
    let two = [("x-gitea-event", "issues"), ("x-forgejo-event", "push")];
    assert!(read(SourceKind::Gitea, &two, &issue("opened")).is_err());
    assert!(read(SourceKind::Gitea, &[("x-github-event", "issues")], &issue("opened")).is_err());
}

#[test]
fn forgejo_and_forms_read_the_same() {
    let json: String = issue("opened").to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let headers = [
        ("x-forgejo-event", "issues"),
        ("x-forgejo-delivery", "f6266f16"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let event = read_raw(SourceKind::Gitea, &headers, format!("payload={json}").as_bytes()).unwrap();
    assert_eq!(event, hook("issues", &issue("opened")).unwrap());
    assert_eq!(event.sender_id.as_deref(), Some("f6266f16"));
}

#[test]
fn forks_and_accounts() {
    let table = [
        (json!({"full_name": "acme/api"}), false),
        (json!({"full_name": "Acme/API"}), false),
        (json!({"full_name": "stranger/api"}), true),
        (Value::Null, true),
        (json!("acme/api"), true),
    ];
    for (repo, fork) in table {
        let event =
            hook("pull_request", &with(pull("opened"), "/pull_request/head/repo", repo.clone())).unwrap();
        assert_eq!(event.change.unwrap().fork, fork, "{repo}");
    }
    for (id, kind) in
        [(9, ActorKind::Human), (-2, ActorKind::System), (-1, ActorKind::System), (0, ActorKind::System)]
    {
        let event = hook("issues", &with(issue("opened"), "/sender/id", json!(id))).unwrap();
        assert_eq!(event.actor.unwrap().kind, kind, "{id}");
    }
}

#[test]
fn one_happening_one_key() {
    let key = |event: &str, body: &Value| hook(event, body).unwrap().semantic_key;
    let hooked_twice = with(issue("opened"), "/extra", json!(1));
    assert_eq!(key("issues", &issue("opened")), key("issues", &hooked_twice));
    let later = with(issue("opened"), "/issue/updated_at", json!("2026-01-02T03:04:06+01:00"));
    assert_ne!(key("issues", &issue("closed")), key("issues", &with(later, "/action", json!("closed"))));
    // Go's zero time is no time: nothing tells this from the next edit.
    let timeless = with(issue("edited"), "/issue/updated_at", json!("0001-01-01T00:00:00Z"));
    assert_eq!(key("issues", &timeless), None);
    assert_eq!(hook("issues", &timeless).unwrap().time, None);
}
