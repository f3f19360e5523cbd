//! The built-in samples: each is genuine, is the event that it says, is about what it was aimed at,
//! and is no repeat of the one before.
#![expect(clippy::unwrap_used, reason = "a failure of a test is a panic")]

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId, Event};
use senders::samples::{self, Aim, AimError, Fresh, Sample};
use senders::{Bitbucket, GitHub, GitLab, Gitea, Jira, Linear, Sender, Sentry, Slack};
use uuid::Uuid;

const KINDS: [SourceKind; 8] = [
    SourceKind::Github,
    SourceKind::Gitlab,
    SourceKind::Jira,
    SourceKind::Sentry,
    SourceKind::Gitea,
    SourceKind::Bitbucket,
    SourceKind::Linear,
    SourceKind::Slack,
];

const MUTE: (SourceKind, &str) = (SourceKind::Bitbucket, "review.submitted");

fn sender(kind: SourceKind) -> Sender {
    let secrets = vec![b"correct horse battery staple".to_vec()];
    match kind {
        SourceKind::Github => Sender::GitHub(GitHub::new(secrets).unwrap()),
        SourceKind::Gitlab => Sender::GitLab(GitLab::new(Vec::new(), secrets).unwrap()),
        SourceKind::Jira => Sender::Jira(Jira::signed(&secrets).unwrap()),
        SourceKind::Sentry => Sender::Sentry(Sentry::new(&secrets).unwrap()),
        SourceKind::Gitea => Sender::Gitea(Gitea::new(&secrets).unwrap()),
        SourceKind::Bitbucket => Sender::Bitbucket(Bitbucket::new(&secrets).unwrap()),
        SourceKind::Linear => Sender::Linear(Linear::new(&secrets).unwrap()),
        SourceKind::Slack => Sender::Slack(Slack::new(&secrets).unwrap()),
        SourceKind::Generic | SourceKind::Pullwright => unreachable!("its bodies are its owner's"),
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_322_800, 0).unwrap()
}

/// What comes of a sample that goes the way of every delivery.
fn arrived(sample: &Sample, aim: &Aim, fresh: Fresh) -> Event {
    let sender = sender(sample.kind);
    let raw = sample.bytes(&sample.body(aim, fresh).unwrap());
    assert!(!String::from_utf8_lossy(&raw).contains("{{"), "{sample:?}: a place is empty");
    let name = samples::own_name(sample.kind, sample.event).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in sender.sign(name, &fresh.id.to_string(), fresh.now, sample.format(), &raw) {
        headers.append(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
    }
    sender.verify(&headers, &raw, fresh.now).unwrap();
    let format = sender.check_content_type(&headers).unwrap();
    serde_json::from_slice::<serde_json::Value>(&sender.json_of(format, &raw).unwrap()).unwrap();
    let kept = sender.kept_headers().iter().filter_map(|name| {
        headers.get(*name).map(|value| ((*name).to_owned(), value.to_str().unwrap().to_owned()))
    });
    let delivery = Delivery {
        id: DeliveryId(fresh.id),
        webhook: "hook".into(),
        received_at: fresh.now,
        headers: kept.collect(),
        body: Body::compress(&raw),
        trace: TraceContext::default(),
        replay_of: None,
    };
    senders::parse(sample.kind, &"here".into(), &delivery, &raw).unwrap()
}

fn fresh(number: u128) -> Fresh {
    Fresh { now: now(), id: Uuid::from_u128(number) }
}

#[test]
fn every_sample_is_the_event_it_says() {
    // Work item, repository or project, label, comment, conclusion: what each event says.
    let mut all = Vec::new();
    for sample in KINDS.into_iter().flat_map(samples::of) {
        let event = arrived(sample, &Aim::default(), fresh(1));
        assert_eq!(event.r#type.to_string(), sample.event, "{:?}", sample.kind);
        assert!(event.actor.is_some(), "{sample:?}");
        let of_forge = matches!(
            sample.kind,
            SourceKind::Github | SourceKind::Gitlab | SourceKind::Gitea | SourceKind::Bitbucket
        );
        assert_eq!(event.repository.is_some(), of_forge, "{sample:?}");
        let of_tracker = matches!(sample.kind, SourceKind::Jira | SourceKind::Sentry | SourceKind::Linear);
        assert_eq!(event.project.is_some(), of_tracker, "{sample:?}");
        assert_eq!(event.comment.is_some(), says_something(sample), "{sample:?}");
        assert_eq!(!event.added_labels.is_empty(), sample.event.ends_with(".labeled"), "{sample:?}");
        assert!(!event.change.as_ref().is_some_and(|change| change.fork), "{sample:?}");
        all.push(format!(
            "{} {} {}",
            sample.kind,
            sample.event,
            event.work_item.as_ref().map_or("-", |item| item.as_str())
        ));
    }
    assert_eq!(all.join("\n"), include_str!("samples.txt").trim_end());
}

fn says_something(sample: &Sample) -> bool {
    let said = ["comment.created", "review.submitted", "review_comment.created"].contains(&sample.event);
    said || (sample.kind == SourceKind::Slack && sample.event == "dispatch.received")
}

#[test]
fn a_sample_is_about_what_it_is_aimed_at() {
    let aim = |edit: fn(&mut Aim)| {
        let mut aim = Aim::default();
        edit(&mut aim);
        aim
    };
    let at_forge = aim(|aim| {
        aim.repository = Some("group/sub/web".to_owned());
        aim.item = Some("7".to_owned());
        aim.label = Some("bug \"x\" {{now}}".to_owned());
        aim.actor = Some("somebody".to_owned());
    });
    for (kind, event, sign) in [
        (SourceKind::Gitlab, "issue.labeled", '#'),
        (SourceKind::Gitlab, "pull_request.opened", '!'),
        (SourceKind::Gitea, "pull_request.labeled", '#'),
    ] {
        let sample = samples::of(kind).find(|sample| sample.event == event).unwrap();
        let event = arrived(sample, &Aim { label: None, ..at_forge.clone() }, fresh(1));
        assert_eq!(event.work_item.unwrap().as_str(), format!("here:group/sub/web{sign}7"));
        assert_eq!(event.repository.unwrap().name.to_string(), "here/group/sub/web");
        assert_eq!(event.actor.unwrap().login, "somebody");
    }
    let labelled = samples::of(SourceKind::Gitlab).find(|sample| sample.event == "issue.labeled").unwrap();
    let body = labelled.body(&at_forge, fresh(1)).unwrap();
    assert_eq!(body["labels"][0]["title"], "bug \"x\" {{now}}", "what a person says is no template");

    let issue = aim(|aim| aim.item = Some("OPS-9".to_owned()));
    for kind in [SourceKind::Jira, SourceKind::Linear] {
        for sample in samples::of(kind) {
            let event = arrived(sample, &issue, fresh(1));
            assert_eq!(
                (event.work_item.unwrap().as_str(), event.project.as_deref()),
                ("here:OPS-9", Some("OPS"))
            );
        }
    }
    let said = aim(|aim| aim.text = Some("/agent\nplease & thank=you %".to_owned()));
    // A verdict of Bitbucket's comes without words.
    let speaks = |sample: &&Sample| says_something(sample) && (sample.kind, sample.event) != MUTE;
    for sample in KINDS.into_iter().flat_map(samples::of).filter(speaks) {
        let body = arrived(sample, &said, fresh(1)).comment.unwrap().body;
        assert!(body.expose().contains("/agent\nplease & thank=you %"), "{sample:?}: {body:?}");
    }
}

#[test]
fn what_a_sample_cannot_be_about_is_said() {
    for (kind, event, aim, says) in [
        (
            SourceKind::Github,
            "push",
            Aim { label: Some("x".to_owned()), ..Aim::default() },
            "an event `push` of github has no label",
        ),
        (
            SourceKind::Sentry,
            "error.created",
            Aim { repository: Some("acme/api".to_owned()), ..Aim::default() },
            "an event `error.created` of sentry has no repository",
        ),
        (
            SourceKind::Github,
            "issue.opened",
            Aim { item: Some("PAY-1".to_owned()), ..Aim::default() },
            "`PAY-1` is no item of github; write it like `12`",
        ),
        (
            SourceKind::Jira,
            "issue.opened",
            Aim { item: Some("12".to_owned()), ..Aim::default() },
            "`12` is no item of jira; write it like `PAY-31`",
        ),
        (
            SourceKind::Gitea,
            "issue.opened",
            Aim { repository: Some("api".to_owned()), ..Aim::default() },
            "`api` is no repository of gitea; write it like `acme/api`",
        ),
    ] {
        let sample = samples::of(kind).find(|sample| sample.event == event).unwrap();
        let error: AimError = sample.body(&aim, fresh(1)).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
}

#[test]
fn a_second_sample_is_no_repeat_of_the_first() {
    for sample in KINDS.into_iter().flat_map(samples::of) {
        let keys = |fresh: Fresh| {
            let event = arrived(sample, &Aim::default(), fresh);
            let body = sample.bytes(&sample.body(&Aim::default(), fresh).unwrap());
            let same = event.semantic_key.map(String::into_bytes);
            [Some(body), event.sender_id.map(String::into_bytes), same]
                .into_iter()
                .flatten()
                .collect::<BTreeSet<_>>()
        };
        let (one, other) =
            (fresh(1), Fresh { now: now() + Duration::milliseconds(3), id: Uuid::from_u128(2) });
        assert!(keys(one).is_disjoint(&keys(other)), "{sample:?}");
    }
}

#[test]
fn every_file_is_a_sample() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut files = BTreeSet::new();
    for kind in std::fs::read_dir(folder).unwrap() {
        let kind = kind.unwrap();
        for file in std::fs::read_dir(kind.path()).unwrap() {
            let event = file.unwrap().path().with_extension("").file_name().unwrap().to_owned();
            files.insert(format!("{} {}", kind.file_name().display(), event.display()));
        }
    }
    let listed = KINDS.into_iter().flat_map(samples::of);
    assert_eq!(files, listed.map(|sample| format!("{} {}", sample.kind, sample.event)).collect());
}
