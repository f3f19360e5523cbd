//! GitHub's bodies as events: our own small bodies for each trap.

use chrono::DateTime;
use schemas::event::{ActorKind, EventType, SourceKind};
use schemas::{Delivery, Event};
use senders::{ParseError, parse};
use serde_json::{Value, json};

use crate::requests;

fn delivery(event: &str) -> Delivery {
    requests::delivery(&[
        ("x-github-event", event),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("content-type", "application/json"),
    ])
}

fn read(event: &str, body: &Value) -> Result<Event, ParseError> {
    parse(SourceKind::Github, &"github".into(), &delivery(event), body.to_string().as_bytes())
}

fn repository() -> Value {
    json!({
        "id": 7, "full_name": "acme/api", "default_branch": "main",
        "html_url": "https://github.com/acme/api", "pushed_at": "2026-01-02T03:04:05Z"
    })
}

fn labeled() -> Value {
    json!({
        "action": "labeled",
        "issue": {
            "number": 12, "title": "It breaks", "body": "Steps\u{0}", "html_url": "https://github.com/acme/api/issues/12",
            "labels": [{"id": 1, "name": "bug"}, {"id": 2, "name": "agent:fix"}],
            "user": {"id": 5, "login": "reporter", "type": "User"},
            "updated_at": "2026-01-02T03:04:05Z"
        },
        "label": {"id": 2, "name": "agent:fix"},
        "repository": repository(),
        "sender": {"id": 9, "login": "maintainer", "type": "User"}
    })
}

fn pull(action: &str) -> Value {
    json!({
        "action": action,
        "pull_request": {
            "number": 7, "title": "Fix", "body": null, "draft": true, "updated_at": "2026-01-02T03:04:05Z",
            "head": {"ref": "fix", "sha": "1111111111111111111111111111111111111111", "repo": {"full_name": "acme/api"}},
            "base": {"ref": "main", "sha": "2222222222222222222222222222222222222222", "repo": {"full_name": "acme/api"}}
        },
        "repository": repository(),
        "sender": {"id": 9, "login": "maintainer", "type": "User"}
    })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[key] = value;
    body
}

#[test]
fn a_labelled_issue_in_full() {
    let event = read("issues", &labeled()).unwrap();
    assert_eq!(event.r#type, EventType::IssueLabeled);
    assert_eq!(event.work_item.unwrap().as_str(), "github:acme/api#12");
    assert_eq!(event.sender_id.as_deref(), Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"));
    assert_eq!(event.time, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    let repository = event.repository.unwrap();
    assert_eq!(repository.name.to_string(), "github/acme/api");
    assert_eq!(repository.default_branch.as_deref(), Some("main"));
    let actor = event.actor.unwrap();
    assert_eq!((actor.id.as_str(), actor.login.as_str(), actor.kind), ("9", "maintainer", ActorKind::Human));
    let item = event.item.unwrap();
    assert_eq!(item.title.expose(), "It breaks");
    assert_eq!(item.body.expose(), "Steps\u{fffd}");
    assert_eq!(item.labels.iter().map(|label| label.expose()).collect::<Vec<_>>(), ["bug", "agent:fix"]);
    assert_eq!(item.author.as_deref(), Some("reporter"));
    assert!(!item.is_pull_request);
    assert_eq!(event.label.unwrap().expose(), "agent:fix");
    assert_eq!(event.added_labels.iter().map(|label| label.expose()).collect::<Vec<_>>(), ["agent:fix"]);
    assert!(event.comment.is_none() && event.change.is_none());
}

#[test]
fn a_form_is_read_like_its_json() {
    let mut delivery = delivery("issues");
    delivery.headers.insert("content-type".into(), "application/x-www-form-urlencoded".into());
    let json: String = labeled().to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = format!("payload={json}");
    let event = parse(SourceKind::Github, &"github".into(), &delivery, form.as_bytes()).unwrap();
    assert_eq!(event, read("issues", &labeled()).unwrap());
}

#[test]
fn absent_null_and_wrong_typed_fields() {
    let bodies = [
        with(labeled(), "/issue/body", Value::Null),
        with(labeled(), "/issue/body", json!(5)),
        with(labeled(), "/issue/labels", json!("none")),
        with(labeled(), "/issue/labels", json!([null, 3, {"name": 4}])),
        with(labeled(), "/issue/user", Value::Null),
        with(labeled(), "/issue/updated_at", json!({})),
        with(labeled(), "/sender", Value::Null),
        with(labeled(), "/sender", json!([])),
        with(labeled(), "/repository/full_name", json!("../../etc")),
        with(labeled(), "/repository", json!("acme/api")),
        with(labeled(), "/label", json!("agent:fix")),
    ];
    for body in bodies {
        let event = read("issues", &body).unwrap();
        assert_eq!(event.r#type, EventType::IssueLabeled, "{body}");
        assert_eq!(event.item.unwrap().key, "12", "{body}");
    }
    let event = read("issues", &with(labeled(), "/repository/full_name", json!("../../etc"))).unwrap();
    assert!(event.repository.is_none() && event.work_item.is_none());
}

#[test]
fn who_is_a_person() {
    let table = [
        (json!({"id": 1, "login": "x", "type": "User"}), Some(ActorKind::Human)),
        (json!({"id": 1, "login": "x"}), Some(ActorKind::Human)),
        (json!({"id": "1", "login": "x", "type": "Bot"}), Some(ActorKind::Bot)),
        (json!({"id": 1, "login": "x[bot]", "type": "User"}), Some(ActorKind::Bot)),
        (json!({"id": 1, "login": "x", "type": "Organization"}), Some(ActorKind::System)),
        (json!({"login": "x", "type": "User"}), None),
        (json!({"id": 1, "type": "User"}), None),
    ];
    for (sender, expected) in table {
        let event = read("issues", &with(labeled(), "/sender", sender.clone())).unwrap();
        assert_eq!(event.actor.map(|actor| actor.kind), expected, "{sender}");
    }
}

#[test]
fn forks() {
    let table = [
        (json!({"full_name": "acme/api"}), false),
        (json!({"full_name": "Acme/API"}), false),
        (json!({"full_name": "acme/api", "fork": true}), false),
        (json!({"full_name": "stranger/api"}), true),
        (Value::Null, true),
        (json!("acme/api"), true),
    ];
    for (repo, fork) in table {
        let event =
            read("pull_request", &with(pull("opened"), "/pull_request/head/repo", repo.clone())).unwrap();
        assert_eq!(event.change.unwrap().fork, fork, "{repo}");
    }
}

#[test]
fn types() {
    let merged = |merged: Value| with(pull("closed"), "/pull_request/merged", merged);
    let comment = json!({"id": 3, "body": "/agent", "updated_at": "2026-01-02T03:04:05Z"});
    let review = json!({"id": 3, "body": null, "state": "APPROVED", "submitted_at": "2026-01-02T03:04:05Z"});
    let act = |action: &str| with(labeled(), "/action", json!(action));
    let run = |body: Value| json!({"action": "completed", "repository": repository(), "workflow_run": body});
    let table = [
        ("issues", act("opened"), "issue.opened"),
        ("issues", act("edited"), "issue.edited"),
        ("issues", act("unlabeled"), "issue.unlabeled"),
        ("issues", act("assigned"), "issue.assigned"),
        ("issues", act("closed"), "issue.closed"),
        ("issues", act("reopened"), "issue.reopened"),
        ("issues", act("pinned"), "unmapped.github.issues.pinned"),
        ("issues", act("Not a slug"), "unmapped.github.issues"),
        ("issue_comment", with(act("created"), "/comment", comment.clone()), "comment.created"),
        ("issue_comment", with(act("edited"), "/comment", comment.clone()), "comment.edited"),
        (
            "issue_comment",
            with(act("deleted"), "/comment", comment.clone()),
            "unmapped.github.issue_comment.deleted",
        ),
        ("pull_request", pull("opened"), "pull_request.opened"),
        ("pull_request", pull("synchronize"), "pull_request.updated"),
        ("pull_request", pull("edited"), "unmapped.github.pull_request.edited"),
        ("pull_request", pull("labeled"), "pull_request.labeled"),
        ("pull_request", pull("ready_for_review"), "pull_request.ready"),
        ("pull_request", pull("review_requested"), "pull_request.review_requested"),
        ("pull_request", merged(json!(false)), "pull_request.closed"),
        ("pull_request", merged(Value::Null), "pull_request.closed"),
        ("pull_request", merged(json!(true)), "pull_request.merged"),
        ("pull_request_review", with(pull("submitted"), "/review", review), "review.submitted"),
        ("pull_request_review_comment", with(pull("created"), "/comment", comment), "review_comment.created"),
        ("push", json!({"ref": "refs/heads/main", "before": "0", "after": "1"}), "push"),
        ("workflow_run", run(json!({"id": 1})), "pipeline.completed"),
        ("release", json!({"action": "published", "release": {"id": 1}}), "release.published"),
        ("repository_dispatch", json!({"action": "Any text!", "branch": "main"}), "dispatch.received"),
        ("ping", json!({"zen": "Keep it logically awesome.", "hook_id": 1}), "unmapped.github.ping"),
        ("security_advisory", json!({"action": "published"}), "unmapped.github.security_advisory.published"),
        ("gollum", json!({"pages": []}), "unmapped.github.gollum"),
    ];
    for (event, body, expected) in table {
        assert_eq!(read(event, &body).unwrap().r#type.to_string(), expected, "{event} {body}");
    }
}

/// A body that is `event` by its shape.
fn shaped(event: &str, action: Option<&str>) -> Value {
    let comment = json!({"id": 3, "body": "/agent", "updated_at": "2026-01-02T03:04:05Z"});
    let body = match event {
        "issues" => labeled(),
        "issue_comment" => with(labeled(), "/comment", comment),
        "pull_request" => pull("x"),
        "pull_request_review" => with(pull("x"), "/review", json!({"id": 3, "state": "approved"})),
        "pull_request_review_comment" => with(pull("x"), "/comment", comment),
        "push" => json!({"ref": "refs/heads/main", "before": "0", "after": "1"}),
        "check_suite" => json!({"check_suite": {"id": 1}}),
        "workflow_run" => json!({"workflow_run": {"id": 1}}),
        "release" => json!({"release": {"id": 1}}),
        "repository_dispatch" => json!({"branch": "main"}),
        "ping" => json!({"zen": "Keep it logically awesome.", "hook_id": 1}),
        _ => json!({"repository": repository()}),
    };
    action.map_or(body.clone(), |action| with(body, "/action", json!(action)))
}

/// All that octokit/openapi-webhooks 12.1 lists, and what octokit/webhooks-schemas 7.6 lists besides:
/// each has one of our words, or none on purpose.
#[test]
fn every_event_and_action() {
    let table = include_str!("../expected/github-events.txt");
    for row in table.lines() {
        let [event, action, expected]: [&str; 3] = row.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let action = Some(action).filter(|action| *action != "-");
        let unmapped =
            || std::iter::once("unmapped.github").chain([event]).chain(action).collect::<Vec<_>>().join(".");
        let expected = if expected == "-" { unmapped() } else { expected.to_owned() };
        assert_eq!(read(event, &shaped(event, action)).unwrap().r#type.to_string(), expected, "{row}");
    }
    assert!(table.lines().count() > 260);
}

#[test]
fn a_label_is_one_that_was_added_or_removed() {
    let of =
        |event: &str, body: Value| read(event, &body).unwrap().label.map(|label| label.expose().to_owned());
    assert_eq!(of("issues", with(labeled(), "/action", json!("unlabeled"))).as_deref(), Some("agent:fix"));
    assert_eq!(of("issues", with(labeled(), "/action", json!("edited"))), None);
    let made =
        json!({"action": "created", "label": {"id": 2, "name": "agent:fix"}, "repository": repository()});
    assert_eq!(of("label", made), None);
    let unlabeled = with(pull("unlabeled"), "/label", json!({"id": 2, "name": "agent:fix"}));
    assert_eq!(of("pull_request", unlabeled).as_deref(), Some("agent:fix"));
}

#[test]
fn ids_are_whole() {
    for id in [json!(9.5), json!(1e30), Value::Null, json!("")] {
        assert_eq!(read("issues", &with(labeled(), "/sender/id", id)).unwrap().actor, None);
    }
}

#[test]
fn a_genuine_body_under_another_name_is_not_read() {
    let comment = json!({"id": 3, "body": "/agent"});
    let edited = with(with(labeled(), "/action", json!("edited")), "/comment", comment.clone());
    let review_comment = with(pull("created"), "/comment", comment);
    let review = with(pull("edited"), "/review", json!({"id": 4}));
    let push = json!({"ref": "refs/heads/main", "before": "0", "after": "1"});
    let table = [
        ("issues", edited.clone()),
        ("issue_comment", labeled()),
        ("pull_request", review_comment.clone()),
        ("pull_request", review.clone()),
        ("pull_request", labeled()),
        ("pull_request_review", review_comment),
        ("pull_request_review_comment", review),
        ("issues", pull("opened")),
        ("issues", push.clone()),
        ("push", labeled()),
        ("push", with(push, "/ref_type", json!("branch"))),
        ("workflow_run", json!({"action": "completed", "check_suite": {"id": 1}})),
        ("check_suite", json!({"action": "completed", "workflow_run": {"id": 1}})),
        ("release", labeled()),
        ("repository_dispatch", labeled()),
        ("ping", labeled()),
    ];
    for (event, body) in table {
        assert!(matches!(read(event, &body), Err(ParseError::Disagrees { .. })), "{event} {body}");
    }
}

#[test]
fn what_cannot_be_read() {
    let raw = |event: &str, body: &[u8]| parse(SourceKind::Github, &"github".into(), &delivery(event), body);
    assert!(matches!(raw("issues", b"{"), Err(ParseError::Json(_))));
    assert!(matches!(raw("issues", b"[]"), Err(ParseError::Json(_))));
    assert!(matches!(raw("issues", b"null"), Err(ParseError::Json(_))));
    assert!(matches!(raw("Issues\n", b"{}"), Err(ParseError::MalformedHeader("x-github-event"))));
    let mut nameless = delivery("issues");
    nameless.headers.remove("x-github-event");
    let nameless = parse(SourceKind::Github, &"github".into(), &nameless, b"{}");
    assert!(matches!(nameless, Err(ParseError::MissingHeader("x-github-event"))));
    let other = parse(SourceKind::Generic, &"any".into(), &delivery("issues"), b"{}");
    assert!(matches!(other, Err(ParseError::NoMapping)));
}

#[test]
fn one_happening_has_one_key() {
    let key = |event: &str, body: &Value| read(event, body).unwrap().semantic_key;
    let base = key("issues", &labeled());
    assert!(base.is_some());
    let by_app = with(labeled(), "/installation", json!({"id": 99}));
    assert_eq!(key("issues", &by_app), base, "a repository hook and an App hook");

    let others = [
        with(labeled(), "/action", json!("unlabeled")),
        with(labeled(), "/label/id", json!(1)),
        with(labeled(), "/issue/number", json!(13)),
        with(labeled(), "/issue/updated_at", json!("2026-01-02T03:04:06Z")),
        with(labeled(), "/sender/id", json!(10)),
        with(labeled(), "/repository/full_name", json!("acme/web")),
        with(labeled(), "/repository/html_url", json!("https://ghes.example/acme/api")),
    ];
    for other in others {
        assert_ne!(key("issues", &other), base, "{other}");
    }
    let at = |action: &str, time: &str| {
        key("issues", &with(with(labeled(), "/action", json!(action)), "/issue/updated_at", json!(time)))
    };
    let closed = at("closed", "2026-01-02T03:04:05Z");
    let reopened = at("reopened", "2026-01-02T03:05:05Z");
    let again = at("closed", "2026-01-02T03:06:05Z");
    assert!(closed != reopened && reopened != again && closed != again);

    let dispatch = json!({"action": "go", "branch": "main", "repository": repository()});
    assert_eq!(key("repository_dispatch", &dispatch), None, "nothing tells two of them apart");
    assert_eq!(read("repository_dispatch", &dispatch).unwrap().dispatch.unwrap().expose(), "go");
    assert_eq!(key("issues", &with(labeled(), "/issue/updated_at", Value::Null)), None);
}

#[test]
fn a_push_takes_its_time_as_a_number() {
    let push = json!({
        "ref": "refs/heads/main", "before": "0000000000000000000000000000000000000000",
        "after": "1111111111111111111111111111111111111111", "head_commit": null,
        "repository": with(json!({"r": repository()}), "/r/pushed_at", json!(1_700_000_000))["r"],
    });
    let event = read("push", &push).unwrap();
    assert_eq!(event.time, DateTime::from_timestamp(1_700_000_000, 0));
    assert!(event.actor.is_none() && event.work_item.is_none() && event.semantic_key.is_some());
    let change = event.change.unwrap();
    assert_eq!(change.base_ref.unwrap().expose(), "refs/heads/main");
    assert!(change.base.unwrap().is_zero());
}

#[test]
fn a_pipeline_belongs_to_its_one_pull_request_here() {
    let link = |number: u64, repo: u64| json!({"number": number, "base": {"repo": {"id": repo}}});
    let item = |links: Value| {
        let run = json!({"id": 1, "head_branch": "fix", "pull_requests": links, "head_repository": {"full_name": "acme/api"}});
        let body = json!({"action": "completed", "repository": repository(), "workflow_run": run});
        read("workflow_run", &body).unwrap().work_item.map(|item| item.0)
    };
    assert_eq!(item(json!([link(4, 7)])).as_deref(), Some("github:acme/api#4"));
    assert_eq!(item(json!([link(4, 8)])), None, "opened in another repository");
    assert_eq!(item(json!([link(4, 7), link(5, 7)])), None);
    assert_eq!(item(json!([])), None);
}

#[test]
fn a_pipeline_says_how_it_ended() {
    for (conclusion, expected) in
        [(json!("timed_out"), Some("timed_out")), (Value::Null, None), (json!(1), None)]
    {
        let run = json!({"id": 1, "head_branch": "fix", "conclusion": conclusion});
        let body = json!({"action": "completed", "repository": repository(), "workflow_run": run});
        assert_eq!(read("workflow_run", &body).unwrap().conclusion.as_deref(), expected);
    }
}
