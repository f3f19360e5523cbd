//! Both Bitbuckets' bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, SourceKind};
use senders::ParseError;
use serde_json::{Value, json};

use crate::world::{line, read, with};

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn hook(key: &str, body: &Value) -> Result<Event, ParseError> {
    read(SourceKind::Bitbucket, &[("x-event-key", key), ("x-request-uuid", "c0ffee")], body)
}

fn cloud(extra: &[(&str, Value)]) -> Value {
    let repository = json!({
        "uuid": "{7}", "full_name": "acme/api", "links": {"html": {"href": "https://bitbucket.org/acme/api"}}
    });
    let mut body = json!({
        "actor": {"account_id": "557058:9", "nickname": "ada", "type": "user"}, "repository": repository
    });
    for (key, value) in extra {
        body[*key] = value.clone();
    }
    body
}

fn cloud_pull(state: &str) -> (&'static str, Value) {
    let end = |branch: &str, hash: &str| json!({"branch": {"name": branch}, "commit": {"hash": hash}, "repository": {"full_name": "acme/api"}});
    let pull = json!({
        "id": 7, "title": "Fix", "description": "Text", "state": state, "draft": false,
        "source": end("fix", "111111111111"), "destination": end("main", TWO),
        "updated_on": "2026-01-02T03:04:05.123+00:00"
    });
    ("pullrequest", pull)
}

fn comment() -> (&'static str, Value) {
    ("comment", json!({"id": 17, "content": {"raw": "/agent"}, "updated_on": "2026-01-02T03:04:05+00:00"}))
}

#[test]
fn cloud_events() {
    let issue = (
        "issue",
        json!({"id": 3, "title": "It breaks", "content": {"raw": "Steps"}, "updated_on": "2026-01-02T03:04:05+00:00"}),
    );
    let moved = |old: &str, new: &str| ("changes", json!({"status": {"old": old, "new": new}}));
    let date = json!({"date": "2026-01-02T03:04:05+00:00"});
    let inline = json!({"id": 18, "content": {"raw": "x"}, "inline": {"path": "a.rs", "to": 3}});
    let push = |old: Value, new: Value| json!({"changes": [{"old": old, "new": new}]});
    let at = |name: &str, hash: &str| json!({"type": "branch", "name": name, "target": {"hash": hash}});
    let status = |state: &str| {
        let commit = json!({"href": format!("https://api.example/commit/{ONE}")});
        ("commit_status", json!({"state": state, "key": "ci", "refname": "fix", "links": {"commit": commit}}))
    };
    let pr = "work=bitbucket:acme/api!7 repo=acme/api by=ada/Human key=7 title=Fix pr=yes";
    let ends = "from=fix to=main base=2222222";
    let time = "at=2026-01-02T03:04:05 same=key";
    let issue_is = "work=bitbucket:acme/api#3 repo=acme/api by=ada/Human key=3 title=It breaks";
    let by = "repo=acme/api by=ada/Human";
    let table = [
        (
            "pullrequest:created",
            cloud(&[cloud_pull("OPEN")]),
            format!("pull_request.opened {pr} {ends} {time}"),
        ),
        (
            "pullrequest:updated",
            cloud(&[cloud_pull("OPEN")]),
            format!("pull_request.updated {pr} {ends} {time}"),
        ),
        (
            "pullrequest:fulfilled",
            cloud(&[cloud_pull("MERGED")]),
            format!("pull_request.merged {pr} {ends} {time}"),
        ),
        (
            "pullrequest:rejected",
            cloud(&[cloud_pull("DECLINED")]),
            format!("pull_request.closed {pr} {ends} {time}"),
        ),
        (
            "pullrequest:approved",
            cloud(&[cloud_pull("OPEN"), ("approval", date.clone())]),
            format!("review.submitted {pr} comment= state=approved {ends} {time}"),
        ),
        (
            "pullrequest:changes_request_created",
            cloud(&[cloud_pull("OPEN"), ("changes_request", date.clone())]),
            format!("review.submitted {pr} comment= state=changes_requested {ends} {time}"),
        ),
        (
            "pullrequest:unapproved",
            cloud(&[cloud_pull("OPEN"), ("approval", date)]),
            format!("unmapped.bitbucket.pullrequest:unapproved {pr} {ends}"),
        ),
        (
            "pullrequest:comment_created",
            cloud(&[cloud_pull("OPEN"), comment()]),
            format!("comment.created {pr} comment=17 {ends} {time}"),
        ),
        (
            "pullrequest:comment_created",
            cloud(&[cloud_pull("OPEN"), ("comment", inline)]),
            format!("review_comment.created {pr} comment=18 path=a.rs {ends} same=key"),
        ),
        (
            "pullrequest:comment_updated",
            cloud(&[cloud_pull("OPEN"), comment()]),
            format!("comment.edited {pr} comment=17 {ends} {time}"),
        ),
        ("issue:created", cloud(std::slice::from_ref(&issue)), format!("issue.opened {issue_is} {time}")),
        (
            "issue:comment_created",
            cloud(&[issue.clone(), comment()]),
            format!("comment.created {issue_is} comment=17 {time}"),
        ),
        (
            "issue:updated",
            cloud(&[issue.clone(), moved("open", "resolved"), comment()]),
            format!("issue.closed {issue_is} status=resolved {time}"),
        ),
        (
            "issue:updated",
            cloud(&[issue.clone(), moved("closed", "open")]),
            format!("issue.reopened {issue_is} status=open {time}"),
        ),
        (
            "issue:updated",
            cloud(&[issue.clone(), moved("new", "on hold")]),
            format!("issue.transitioned {issue_is} status=on hold {time}"),
        ),
        (
            "issue:updated",
            cloud(&[issue.clone(), ("changes", json!({"assignee": {"old": null, "new": {"uuid": "x"}}}))]),
            format!("issue.assigned {issue_is} {time}"),
        ),
        (
            "issue:updated",
            cloud(&[issue, ("changes", json!({"title": {"old": "a", "new": "b"}}))]),
            format!("issue.edited {issue_is} {time}"),
        ),
        (
            "repo:push",
            cloud(&[("push", push(at("main", ONE), at("main", TWO)))]),
            format!("push {by} to=refs/heads/main head=2222222 base=1111111 same=key"),
        ),
        (
            "repo:push",
            cloud(&[("push", push(at("old", ONE), Value::Null))]),
            format!("push {by} to=refs/heads/old head=0000000 base=1111111 same=key"),
        ),
        (
            "repo:push",
            cloud(&[(
                "push",
                json!({"changes": [{"old": null, "new": {"type": "tag", "name": "v1", "target": {"hash": ONE}}}, {"old": at("x", ONE), "new": null}]}),
            )]),
            format!("push {by} to=refs/tags/v1 head=1111111 base=0000000 same=key"),
        ),
        (
            "repo:commit_status_updated",
            cloud(&[status("FAILED")]),
            format!("pipeline.completed {by} from=fix head=1111111 conclusion=failure same=key"),
        ),
        (
            "repo:commit_status_created",
            cloud(&[status("INPROGRESS")]),
            format!("unmapped.bitbucket.repo:commit_status_created {by} from=fix head=1111111"),
        ),
        ("repo:fork", cloud(&[]), format!("unmapped.bitbucket.repo:fork {by}")),
    ];
    for (key, body, expected) in table {
        assert_eq!(line(&hook(key, &body).unwrap()), expected, "{key}");
    }
}

/// Event key, what the body holds besides the usual, and the event in one line.
type Row = (&'static str, Vec<(&'static str, Value)>, String);

fn data_center(key: &str, extra: &[(&str, Value)]) -> Value {
    let mut body = json!({
        "eventKey": key, "date": "2026-01-02T03:04:05+0100",
        "actor": {"id": 9, "name": "ada", "type": "NORMAL"}
    });
    for (key, value) in extra {
        body[*key] = value.clone();
    }
    body
}

fn repository() -> Value {
    json!({"id": 4, "slug": "api", "project": {"key": "PAY"}})
}

fn pull() -> (&'static str, Value) {
    let end = |branch: &str, hash: &str| {
        json!({
            "id": format!("refs/heads/{branch}"), "displayId": branch, "latestCommit": hash, "repository": repository()
        })
    };
    let pull = json!({
        "id": 7, "version": 2, "title": "Fix", "draft": false, "state": "OPEN",
        "fromRef": end("fix", ONE), "toRef": end("main", TWO), "author": {"user": {"name": "ada"}},
        "links": {"self": [{"href": "https://git.example:7990/projects/PAY/repos/api/pull-requests/7"}]}
    });
    ("pullRequest", pull)
}

#[test]
fn data_center_events() {
    let pr = "work=bitbucket:PAY/api!7 repo=PAY/api by=ada/Human key=7 title=Fix pr=yes";
    let ends = "from=fix to=main head=1111111 base=2222222 at=2026-01-02T02:04:05";
    let refs = |from: &str, to: &str, kind: &str| json!([{"refId": "refs/heads/main", "fromHash": from, "toHash": to, "type": kind}]);
    let participant = ("participant", json!({"status": "APPROVED"}));
    let comment = |more: Value| {
        let mut comment = json!({"id": 17, "version": 0, "text": "/agent"});
        comment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("comment", comment)
    };
    let table: Vec<Row> = vec![
        ("pr:opened", vec![pull()], format!("pull_request.opened {pr} {ends} same=key")),
        ("pr:from_ref_updated", vec![pull()], format!("pull_request.updated {pr} {ends} same=key")),
        ("pr:merged", vec![pull()], format!("pull_request.merged {pr} {ends} same=key")),
        ("pr:declined", vec![pull()], format!("pull_request.closed {pr} {ends} same=key")),
        ("pr:modified", vec![pull()], format!("unmapped.bitbucket.pr:modified {pr} {ends}")),
        (
            "pr:modified",
            vec![pull(), ("previousDraft", json!(true))],
            format!("pull_request.ready {pr} {ends} same=key"),
        ),
        (
            "pr:reviewer:approved",
            vec![pull(), participant.clone()],
            format!("review.submitted {pr} comment= state=approved {} same=key", ends),
        ),
        (
            "pr:reviewer:needs_work",
            vec![pull(), participant.clone()],
            format!("review.submitted {pr} comment= state=changes_requested {ends} same=key"),
        ),
        ("pr:reviewer:unapproved", vec![pull(), participant], format!("unmapped.bitbucket.pr:reviewer:unapproved {pr} {ends}")),
        (
            "pr:reviewer:updated",
            vec![pull(), ("addedReviewers", json!([{"name": "tux"}]))],
            format!("pull_request.review_requested {pr} {ends} same=key"),
        ),
        (
            "pr:reviewer:updated",
            vec![pull(), ("addedReviewers", json!([]))],
            format!("unmapped.bitbucket.pr:reviewer:updated {pr} {ends}"),
        ),
        ("pr:comment:added", vec![pull(), comment(json!({}))], format!("comment.created {pr} comment=17 {ends} same=key")),
        (
            "pr:comment:added",
            vec![pull(), comment(json!({"anchor": {"path": "a.rs", "line": 3}}))],
            format!("review_comment.created {pr} comment=17 path=a.rs {ends} same=key"),
        ),
        (
            "pr:comment:edited",
            vec![pull(), comment(json!({})), ("previousComment", json!("x"))],
            format!("comment.edited {pr} comment=17 {ends} same=key"),
        ),
        (
            "repo:refs_changed",
            vec![("repository", repository()), ("changes", refs(ONE, ZERO, "DELETE"))],
            "push repo=PAY/api by=ada/Human to=refs/heads/main head=0000000 base=1111111 at=2026-01-02T02:04:05 same=key"
                .to_owned(),
        ),
        (
            "mirror:repo_synchronized",
            vec![("repository", repository())],
            "unmapped.bitbucket.mirror:repo_synchronized repo=PAY/api by=ada/Human at=2026-01-02T02:04:05".to_owned(),
        ),
    ];
    for (key, extra, expected) in table {
        assert_eq!(line(&hook(key, &data_center(key, &extra)).unwrap()), expected, "{key}");
    }
    let personal =
        with(data_center("pr:opened", &[pull()]), "/pullRequest/toRef/repository/project/key", json!("~ada"));
    assert_eq!(hook("pr:opened", &personal).unwrap().repository.unwrap().name.path, "~ada/api");
    let fork = with(data_center("pr:opened", &[pull()]), "/pullRequest/fromRef/repository/id", json!(5));
    assert!(hook("pr:opened", &fork).unwrap().change.unwrap().fork);
}

#[test]
fn a_body_under_another_key_is_not_believed() {
    let disagrees = [
        ("pullrequest:created", cloud(&[cloud_pull("MERGED")])),
        ("pullrequest:fulfilled", cloud(&[cloud_pull("OPEN")])),
        ("pullrequest:rejected", cloud(&[cloud_pull("MERGED")])),
        ("pullrequest:created", cloud(&[cloud_pull("OPEN"), comment()])),
        ("pullrequest:approved", cloud(&[cloud_pull("OPEN")])),
        ("pullrequest:comment_created", cloud(&[cloud_pull("OPEN")])),
        ("issue:created", cloud(&[cloud_pull("OPEN")])),
        ("issue:comment_created", cloud(&[("issue", json!({"id": 1}))])),
        ("repo:push", cloud(&[cloud_pull("OPEN")])),
        ("pr:merged", data_center("pr:opened", &[pull()])),
        ("pullrequest:fulfilled", data_center("pr:opened", &[pull()])),
        ("pr:opened", cloud(&[cloud_pull("OPEN")])),
    ];
    for (key, body) in disagrees {
        assert!(matches!(hook(key, &body), Err(ParseError::Disagrees { .. })), "{key} {body}");
    }
    assert!(matches!(
        read(SourceKind::Bitbucket, &[], &cloud(&[])),
        Err(ParseError::MissingHeader("x-event-key"))
    ));
    assert!(matches!(hook("two words", &cloud(&[])), Err(ParseError::MalformedHeader("x-event-key"))));
}

#[test]
fn identity_and_accounts() {
    let opened = hook("pr:opened", &data_center("pr:opened", &[pull()])).unwrap();
    let by_another_hook = with(data_center("pr:opened", &[pull()]), "/extra", json!(1));
    assert_eq!(opened.semantic_key, hook("pr:opened", &by_another_hook).unwrap().semantic_key);
    let later = with(data_center("pr:opened", &[pull()]), "/date", json!("2026-01-02T03:04:06+0100"));
    assert_ne!(opened.semantic_key, hook("pr:opened", &later).unwrap().semantic_key);
    assert_eq!(opened.sender_id.as_deref(), Some("c0ffee"));
    for (kind, expected) in
        [("SERVICE", ActorKind::Bot), ("NORMAL", ActorKind::Human), ("NEW", ActorKind::System)]
    {
        let body = with(data_center("pr:opened", &[pull()]), "/actor/type", json!(kind));
        assert_eq!(hook("pr:opened", &body).unwrap().actor.unwrap().kind, expected);
    }
    for (kind, expected) in
        [("AppUser", ActorKind::App), ("user", ActorKind::Human), ("team", ActorKind::System)]
    {
        let body = with(cloud(&[cloud_pull("OPEN")]), "/actor/type", json!(kind));
        assert_eq!(hook("pullrequest:created", &body).unwrap().actor.unwrap().kind, expected);
    }
}
