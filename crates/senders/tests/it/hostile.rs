//! Bodies that nobody sent: good ones with a place damaged, deep, wide, doubled and broken ones.
//!
//! Reading one ends in an event or an error. And an event says nothing that its body does not say:
//! what is damaged is left out, and never made up from somewhere else.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use schemas::event::SourceKind;
use schemas::{Event, Oid, Untrusted, WorkItem};
use senders::samples::{self, Aim, Fresh};
use senders::{BodyFormat, ParseError, generic, parse};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::delivery;
use crate::world::now;

pub const KINDS: [SourceKind; 8] = [
    SourceKind::Github,
    SourceKind::Gitlab,
    SourceKind::Jira,
    SourceKind::Sentry,
    SourceKind::Gitea,
    SourceKind::Bitbucket,
    SourceKind::Linear,
    SourceKind::Slack,
];

/// A body that is read as it is.
pub struct Good {
    pub kind: SourceKind,
    /// The header that names the event.
    pub header: (&'static str, &'static str),
    pub body: Value,
    pub form: bool,
}

impl Good {
    pub fn bytes(&self, body: &Value) -> Vec<u8> {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match body.as_object().filter(|_| self.form) {
            Some(fields) => {
                let field =
                    |(name, value): (&String, &Value)| format!("{}={}", escape(name), escape(&text(value)));
                fields.iter().map(field).collect::<Vec<_>>().join("&").into_bytes()
            }
            None => body.to_string().into_bytes(),
        }
    }

    pub fn read(&self, raw: &[u8]) -> Result<Event, ParseError> {
        let format = if self.form { "application/x-www-form-urlencoded" } else { "application/json" };
        let headers = [("content-type", format), self.header];
        parse(self.kind, &self.kind.as_str().into(), &delivery(&headers), raw)
    }
}

pub static GOOD: LazyLock<Vec<Good>> = LazyLock::new(|| {
    let fresh = Fresh { now: now(), id: Uuid::from_u128(7) };
    let header = |kind| match kind {
        SourceKind::Github => "x-github-event",
        SourceKind::Sentry => "sentry-hook-resource",
        SourceKind::Gitea => "x-gitea-event",
        SourceKind::Bitbucket => "x-event-key",
        _ => "x-none",
    };
    let samples = KINDS.into_iter().flat_map(samples::of).map(|sample| Good {
        kind: sample.kind,
        header: (header(sample.kind), samples::own_name(sample.kind, sample.event).unwrap_or_default()),
        body: sample.body(&Aim::default(), fresh).unwrap(),
        form: sample.format() == BodyFormat::Form,
    });
    let others = others().into_iter().map(|(kind, event, body)| Good {
        kind,
        header: (header(kind), event),
        body,
        form: false,
    });
    samples.chain(others).collect()
});

/// Shapes that no sample has.
fn others() -> Vec<(SourceKind, &'static str, Value)> {
    let sha = |digit: &str| digit.repeat(40);
    let project = json!({"id": 7, "path_with_namespace": "acme/api", "web_url": "https://x.example/acme/api", "default_branch": "main"});
    let label = |id: u64| json!({"id": id, "title": format!("label-{id}")});
    let data_center = |id: u64| json!({"id": id, "slug": "api", "project": {"key": "PRJ"}});
    vec![
        (
            SourceKind::Github,
            "check_suite",
            json!({
                "action": "completed", "repository": {"id": 7, "full_name": "acme/api", "html_url": "https://github.com/acme/api"},
                "sender": {"id": 9, "login": "maintainer", "type": "User"},
                "check_suite": {"id": 1, "head_branch": "fix", "head_sha": sha("1"), "conclusion": "failure",
                    "pull_requests": [{"number": 4, "base": {"repo": {"id": 7}}}], "updated_at": "2026-01-02T03:04:05Z"}
            }),
        ),
        (
            SourceKind::Gitlab,
            "",
            json!({
                "object_kind": "merge_request", "user": {"id": 3, "username": "dev"}, "project": project,
                "object_attributes": {"iid": 31, "title": "Draft: fix", "description": "Why", "action": "update",
                    "source_branch": "fix", "target_branch": "main", "source_project_id": 8, "target_project_id": 7,
                    "last_commit": {"id": sha("2")}, "updated_at": "2026-01-02 03:04:05 UTC", "author_id": 3},
                "labels": [label(1), label(2)],
                "changes": {"labels": {"previous": [label(1)], "current": [label(1), label(2)]}, "updated_at": {}}
            }),
        ),
        (
            SourceKind::Gitlab,
            "",
            json!({
                "object_kind": "note", "event_type": "note", "user": {"id": 3, "username": "dev"}, "project": project,
                "object_attributes": {"id": 55, "note": "Why?", "type": "DiffNote", "action": "create",
                    "url": "https://x.example/acme/api/-/merge_requests/31#note_55",
                    "position": {"new_path": "src/lib.rs", "new_line": 12, "old_path": "src/old.rs", "old_line": 9}},
                "merge_request": {"iid": 31, "title": "Fix", "source_branch": "fix", "target_branch": "main",
                    "source_project_id": 7, "target_project_id": 7, "last_commit": {"id": sha("3")}}
            }),
        ),
        (
            SourceKind::Gitlab,
            "",
            json!({
                "object_kind": "work_item", "user": {"id": 3, "username": "dev"}, "project": project,
                "object_attributes": {"iid": 13, "title": "Task", "action": "update", "updated_at": "2026-01-02 03:04:05 UTC"},
                "changes": {"state_id": {"previous": 1, "current": 2}, "updated_at": {"previous": "2026-01-01 03:04:05 UTC"}}
            }),
        ),
        (
            SourceKind::Jira,
            "",
            json!({
                "webhookEvent": "comment_created", "timestamp": 1_767_322_800_000_u64,
                "comment": {"self": "https://jira.example/rest/api/2/issue/10031/comment/10100", "id": "10100",
                    "body": "Why?", "author": {"name": "dev", "key": "JIRAUSER1"}}
            }),
        ),
        (
            SourceKind::Jira,
            "",
            json!({
                "transition": {"transitionName": "Start", "from_status": "To do", "to_status": "Doing"},
                "user": {"name": "dev"}, "timestamp": 1_767_322_800_000_u64,
                "issue": {"id": "10031", "self": "https://jira.example/rest/api/2/issue/10031", "key": "PAY-31",
                    "fields": {"summary": "It breaks", "labels": ["bug"], "project": {"key": "PAY"}}}
            }),
        ),
        (
            SourceKind::Gitea,
            "action_run_failure",
            json!({
                "run": {"id": 5, "prettyref": "main", "commit_sha": sha("4"), "is_fork_pull_request": false,
                    "stopped": "2026-01-02T03:04:05Z", "trigger_user": {"id": 3, "login": "dev"},
                    "repository": {"full_name": "acme/api", "html_url": "https://forge.example/acme/api"}}
            }),
        ),
        (
            SourceKind::Bitbucket,
            "pr:comment:added",
            json!({
                "eventKey": "pr:comment:added", "date": "2026-01-02T03:04:05+0000",
                "actor": {"id": 3, "name": "dev", "type": "NORMAL"},
                "pullRequest": {"id": 31, "title": "Fix", "links": {"self": [{"href": "https://bitbucket.example/31"}]},
                    "fromRef": {"displayId": "fix", "latestCommit": sha("5"), "repository": data_center(8)},
                    "toRef": {"displayId": "main", "latestCommit": sha("6"), "repository": data_center(7)}},
                "comment": {"id": 62, "text": "Why?", "anchor": {"path": "src/lib.rs", "line": 12}}
            }),
        ),
        (
            SourceKind::Bitbucket,
            "repo:refs_changed",
            json!({
                "eventKey": "repo:refs_changed", "date": "2026-01-02T03:04:05+0000",
                "actor": {"id": 3, "name": "dev", "type": "NORMAL"}, "repository": data_center(7),
                "changes": [{"refId": "refs/heads/main", "fromHash": sha("7"), "toHash": sha("8"), "type": "UPDATE"}]
            }),
        ),
        (
            SourceKind::Slack,
            "",
            json!({
                "type": "event_callback", "team_id": "T1", "event_id": "Ev1",
                "event": {"type": "message", "subtype": "message_changed", "channel": "C1", "event_ts": "1767322800.000200",
                    "message": {"user": "U1", "text": "new", "ts": "1767322800.000100", "thread_ts": "1767322700.000100"},
                    "previous_message": {"user": "U1", "text": "old", "ts": "1767322800.000100"}}
            }),
        ),
    ]
}

/// Every place of a body, as a JSON Pointer.
fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, here: &str, all: &mut Vec<String>) {
        all.push(here.to_owned());
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| {
                walk(value, &format!("{here}/{}", key.replace('~', "~0").replace('/', "~1")), all);
            }),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(at, value)| walk(value, &format!("{here}/{at}"), all));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(value, "", &mut all);
    all
}

fn damaged(body: &Value, at: Index, damage: Value) -> Value {
    let (mut body, places) = (body.clone(), places(body));
    *body.pointer_mut(&places[at.index(places.len())]).unwrap() = damage;
    body
}

/// Whether null there is as good as an empty list.
fn is_list(body: &Value, at: Index) -> bool {
    let places = places(body);
    body.pointer(&places[at.index(places.len())]).is_some_and(Value::is_array)
}

/// All texts and numbers of a body, one a line.
fn said(body: &Value) -> String {
    let leaf = |place: String| match body.pointer(&place) {
        Some(Value::String(text)) => text.replace('\0', "\u{fffd}"),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    places(body).into_iter().map(leaf).collect::<Vec<_>>().join("\n")
}

/// What an event says in its body's own words; what is put together from several is left out.
fn claims(event: &Event) -> Vec<String> {
    let mut claims = Vec::new();
    let mut text = |text: Option<&Untrusted>| claims.extend(text.map(|text| text.expose().to_owned()));
    text(event.label.as_ref());
    text(event.status.as_ref());
    text(event.culprit.as_ref());
    text(event.dispatch.as_ref());
    event.added_labels.iter().for_each(|label| text(Some(label)));
    if let Some(item) = &event.item {
        item.labels.iter().for_each(|label| text(Some(label)));
        // Sentry's are made of several fields.
        if event.source != SourceKind::Sentry {
            text(Some(&item.title));
            text(Some(&item.body));
        }
    }
    if let Some(comment) = &event.comment {
        text(comment.path.as_ref());
        // Slack's command and its text are two fields.
        if event.dispatch.is_none() {
            text(Some(&comment.body));
        }
    }
    if let Some(change) = &event.change {
        for name in [&change.head_ref, &change.base_ref].into_iter().flatten() {
            let name = name.expose();
            let bare = name.strip_prefix("refs/tags/").or(name.strip_prefix("refs/heads/"));
            text(Some(&bare.unwrap_or(name).into()));
        }
        let oids = [&change.head, &change.base].into_iter().flatten().filter(|oid| !oid.is_zero());
        claims.extend(oids.map(Oid::to_string));
    }
    if let Some(repository) = &event.repository {
        claims.extend(repository.name.path.split('/').map(str::to_owned));
        claims.extend(repository.default_branch.clone());
    }
    if let Some(actor) = &event.actor {
        claims.extend([actor.id.trim_start_matches('@').to_owned(), actor.login.clone()]);
    }
    if let Some(item) = &event.item {
        claims.push(item.key.clone());
        claims.extend(item.author.clone());
    }
    if let Some(comment) = &event.comment {
        claims.push(comment.id.clone());
        claims.extend(comment.line.map(|line| line.to_string()));
    }
    let number = |item: &WorkItem| item.as_str().rsplit(['#', '!', '/', ':']).next().unwrap().to_owned();
    claims.extend(event.work_item.as_ref().map(number));
    claims.extend(event.project.clone());
    claims
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<u64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        3 => ".{0,12}".prop_map(Value::from),
        1 => Just(json!("a\u{0}b")),
        1 => Just(json!("é".repeat(1_000))),
        1 => Just(json!("2026-01-02T03:04:05Z")),
        1 => Just(json!("0001-01-01T00:00:00Z")),
        1 => Just(json!("https://x.example/projects/a/b/issues/1/")),
        1 => Just(json!("../..")),
    ];
    let keys: Vec<String> = GOOD.iter().flat_map(|good| places(&good.body)).collect();
    let mut keys: Vec<_> =
        keys.iter().filter_map(|place| Some(place.rsplit_once('/')?.1.to_owned())).collect();
    keys.sort();
    keys.dedup();
    leaf.prop_recursive(4, 40, 8, move |inner| {
        let key = prop::sample::select(keys.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn the_good_are_read() {
    for good in GOOD.iter() {
        let event = good.read(&good.bytes(&good.body)).unwrap();
        assert!(!event.r#type.to_string().starts_with("unmapped."), "{event:?}");
        let said = said(&good.body);
        for claim in claims(&event) {
            assert!(said.contains(&claim), "{:?} {:?}: {claim}", good.kind, good.header);
        }
    }
    assert!(GOOD.len() > 60);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_event_says_more_than_its_damaged_body(which: Index, at: Index, damage in anything(), second: Index, more in anything()) {
        let good = &GOOD[which.index(GOOD.len())];
        let mut body = damaged(&good.body, at, damage);
        // Half of them have two wounds.
        if second.index(2) == 0 {
            body = damaged(&body, second, more);
        }
        if let Ok(event) = good.read(&good.bytes(&body)) {
            let stored = serde_json::to_value(&event).unwrap();
            let nul = |place: String| stored.pointer(&place).unwrap().as_str().is_some_and(|text| text.contains('\0'));
            prop_assert!(!places(&stored).into_iter().any(nul), "{stored}");
            prop_assert_eq!(serde_json::from_value::<Event>(stored).unwrap(), event.clone());
            // A form holds texts only: what it holds is no longer a value of the damaged body.
            if !good.form {
                let said = said(&body);
                for claim in claims(&event) {
                    prop_assert!(said.contains(&claim), "{claim:?} of {body}");
                }
            }
        }
    }

    /// Trackers name one issue in several ways; on a forge there is one number.
    #[test]
    fn what_is_missing_makes_it_about_nothing_else(which: Index, at: Index, damage in prop_oneof![Just(Value::Null), Just(json!({})), Just(json!(true))]) {
        let forges = [SourceKind::Github, SourceKind::Gitlab, SourceKind::Gitea, SourceKind::Bitbucket, SourceKind::Linear];
        let good: Vec<_> = GOOD.iter().filter(|good| forges.contains(&good.kind)).collect();
        let good = good[which.index(good.len())];
        let whole = good.read(&good.bytes(&good.body)).unwrap();
        prop_assume!(!damage.is_null() || !is_list(&good.body, at));
        if let Ok(event) = good.read(&good.bytes(&damaged(&good.body, at, damage))) {
            prop_assert!(event.work_item.is_none() || event.work_item == whole.work_item);
            prop_assert!(event.repository.is_none() || event.repository.map(|it| it.name) == whole.repository.map(|it| it.name));
            // Bitbucket and Linear have several names for an account, GitLab may leave its id out.
            let by_one_name = matches!(good.kind, SourceKind::Github | SourceKind::Gitea);
            prop_assert!(!by_one_name || event.actor.is_none() || event.actor.map(|it| (it.id, it.login)) == whole.actor.map(|it| (it.id, it.login)));
            prop_assert!(event.comment.is_none() || event.comment.map(|it| it.id) == whole.comment.map(|it| it.id));
            prop_assert!(event.added_labels.iter().all(|label| whole.added_labels.contains(label)));
        }
    }

    #[test]
    fn no_json_makes_a_parser_fall_over(which: Index, body in anything(), place in "(/[a-z]{0,4}|/0|/~1|/~0){0,4}") {
        let good = &GOOD[which.index(GOOD.len())];
        let _ = good.read(&good.bytes(&body));
        let mut named = good.body.clone();
        if let (Value::Object(named), Value::Object(body)) = (&mut named, body.clone()) {
            named.extend(body);
        }
        let _ = good.read(&good.bytes(&named));
        let place = if place.is_empty() { "push".to_owned() } else { place };
        let mapping = json!({"type": place, "labels": place, "time": place, "title": place, "work_item": place});
        let mapping = serde_json::from_value(mapping).unwrap();
        let _ = generic::parse(&mapping, &"tool".into(), &delivery(&[]), body.to_string().as_bytes());
    }

    #[test]
    fn no_bytes_make_a_parser_fall_over(which: Index, at: Index, raw: Vec<u8>) {
        let good = &GOOD[which.index(GOOD.len())];
        let _ = good.read(&raw);
        let mut whole = good.bytes(&good.body);
        whole.truncate(at.index(whole.len()));
        whole.extend(&raw);
        let _ = good.read(&whole);
        let mapping = serde_json::from_value(json!({"type": "/a"})).unwrap();
        let _ = generic::parse(&mapping, &"tool".into(), &delivery(&[]), &raw);
    }
}

#[test]
fn of_a_doubled_key_the_last_counts() {
    for good in GOOD.iter().filter(|good| !good.form) {
        let whole = good.read(&good.bytes(&good.body)).unwrap();
        let first: String =
            good.body.as_object().unwrap().keys().map(|key| format!("{}:[{{}}],", json!(key))).collect();
        let doubled = good.body.to_string().replacen('{', &format!("{{{first}"), 1);
        assert_eq!(good.read(doubled.as_bytes()).unwrap(), whole, "{:?}", good.header);
    }
}

#[test]
fn broken_in_one_place() {
    for good in GOOD.iter().filter(|good| !good.form) {
        let text = good.body.to_string();
        let first = |what: &str| text.replacen('{', &format!("{{\"unknown\":{what},"), 1);
        for broken in ["1e999", "-", "01", "\"\\ud800\"", "\"\u{1}\"", "nul", "'x'"] {
            assert!(matches!(good.read(first(broken).as_bytes()), Err(ParseError::Json(_))), "{broken}");
        }
        for fine in ["1e99", "18446744073709551616", "-9223372036854775809", "\"\\u0000\"", "{\"\":{\"\":0}}"]
        {
            assert!(good.read(first(fine).as_bytes()).is_ok(), "{fine}");
        }
    }
    for kind in KINDS {
        let good = GOOD.iter().find(|good| good.kind == kind && !good.form).unwrap();
        let text = good.body.to_string();
        let first = |what: &str| text.replacen('{', &format!("{{\"unknown\":{what},"), 1);
        let deep = |depth: usize| first(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        assert!(good.read(deep(100).as_bytes()).is_ok());
        assert!(matches!(good.read(deep(1_000_000).as_bytes()), Err(ParseError::Json(_))));
        let wide = first(&format!("[0{}]", ",0".repeat(600_000)));
        assert!(matches!(good.read(wide.as_bytes()), Err(ParseError::TooManyValues(_))));
        // Not UTF-8, inside the last text.
        let mut bytes = text.into_bytes();
        let quote = bytes.iter().rposition(|byte| *byte == b'"').unwrap();
        bytes.insert(quote, 0xff);
        assert!(good.read(&bytes).is_err());
    }
}
