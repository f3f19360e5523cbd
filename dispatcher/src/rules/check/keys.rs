//! Which key of `on:` goes with which events of which sources; the documentation shows this table.

use std::fmt::Write as _;

use schemas::automation::Trigger;
use schemas::event::{EventType, SourceKind};

use SourceKind::{Bitbucket, Generic, Gitea, Github, Gitlab, Jira, Linear, Sentry, Slack};

/// Words of events; `thing.*` stands for all of a thing.
type Events = &'static [&'static str];
type Sources = &'static [SourceKind];

/// What each tool sends, as [`senders`] reads it.
const SENT: &[(SourceKind, Events)] = &[
    (
        Github,
        &[
            "issue.opened",
            "issue.edited",
            "issue.labeled",
            "issue.unlabeled",
            "issue.assigned",
            "issue.closed",
            "issue.reopened",
            "comment.*",
            "pull_request.*",
            "review.submitted",
            "review_comment.created",
            "push",
            "pipeline.completed",
            "release.published",
            "dispatch.received",
        ],
    ),
    (
        Gitlab,
        &[
            "issue.opened",
            "issue.edited",
            "issue.labeled",
            "issue.unlabeled",
            "issue.assigned",
            "issue.closed",
            "issue.reopened",
            "comment.*",
            "pull_request.*",
            "review.submitted",
            "review_comment.created",
            "push",
            "pipeline.completed",
            "release.published",
        ],
    ),
    (
        Jira,
        &[
            "issue.opened",
            "issue.edited",
            "issue.labeled",
            "issue.unlabeled",
            "issue.assigned",
            "issue.transitioned",
            "comment.*",
        ],
    ),
    (
        Sentry,
        &[
            "alert.*",
            "error.created",
            "issue.opened",
            "issue.assigned",
            "issue.closed",
            "issue.reopened",
            "issue.transitioned",
            "comment.*",
        ],
    ),
    (
        Gitea,
        &[
            "issue.opened",
            "issue.edited",
            "issue.labeled",
            "issue.unlabeled",
            "issue.assigned",
            "issue.closed",
            "issue.reopened",
            "comment.*",
            "pull_request.*",
            "review.submitted",
            "push",
            "pipeline.completed",
            "release.published",
        ],
    ),
    (
        Bitbucket,
        &[
            "issue.opened",
            "issue.edited",
            "issue.assigned",
            "issue.closed",
            "issue.reopened",
            "issue.transitioned",
            "comment.*",
            "pull_request.opened",
            "pull_request.updated",
            "pull_request.ready",
            "pull_request.review_requested",
            "pull_request.closed",
            "pull_request.merged",
            "review.submitted",
            "review_comment.created",
            "push",
            "pipeline.completed",
        ],
    ),
    (
        Linear,
        &[
            "issue.opened",
            "issue.edited",
            "issue.labeled",
            "issue.unlabeled",
            "issue.assigned",
            "issue.closed",
            "issue.reopened",
            "issue.transitioned",
            "comment.*",
        ],
    ),
    (Slack, &["comment.*", "dispatch.received"]),
    // Its owner's mapping may give it any word of ours.
    (
        Generic,
        &[
            "issue.*",
            "comment.*",
            "pull_request.*",
            "review.*",
            "review_comment.*",
            "push",
            "pipeline.completed",
            "release.published",
            "alert.*",
            "error.created",
            "dispatch.received",
        ],
    ),
];

const FORGES: Sources = &[Github, Gitlab, Gitea, Bitbucket];
const ABOUT_PULL_REQUESTS: Events =
    &["pull_request.*", "review.submitted", "review_comment.created", "comment.*"];

/// Each key with the sources and events that it goes with.
const KEYS: &[(&str, Sources, Events)] = &[
    // Only these two let us take a label off again.
    ("label_command", &[Github, Gitlab], &["issue.labeled", "pull_request.labeled"]),
    ("label", &[Github, Gitlab, Gitea, Jira], &["issue.labeled", "issue.unlabeled", "pull_request.labeled"]),
    ("label", &[Linear], &["issue.labeled"]),
    (
        "labels",
        &[Github, Gitlab, Gitea],
        &[
            "issue.*",
            "comment.*",
            "pull_request.*",
            "review.submitted",
            "review_comment.created",
            "unmapped.*",
        ],
    ),
    // Their comments come without the labels.
    ("labels", &[Jira, Linear], &["issue.*"]),
    (
        "labels",
        &[Generic],
        &[
            "issue.*",
            "comment.*",
            "pull_request.*",
            "alert.*",
            "error.created",
            "dispatch.received",
            "unmapped.*",
        ],
    ),
    ("branches", FORGES, ABOUT_PULL_REQUESTS),
    ("branches", FORGES, &["push", "pipeline.completed"]),
    ("paths", &[Github, Gitlab], ABOUT_PULL_REQUESTS),
    ("paths", &[Github, Gitlab], &["push"]),
    ("draft", FORGES, ABOUT_PULL_REQUESTS),
    ("fork", FORGES, ABOUT_PULL_REQUESTS),
    ("fork", FORGES, &["pipeline.completed"]),
    ("own_pull_request", &[Github, Gitlab], ABOUT_PULL_REQUESTS),
    ("own_pull_request", &[Github, Gitlab], &["pipeline.completed"]),
    ("state", FORGES, &["review.submitted"]),
    ("command", &[Github, Gitlab, Jira, Sentry, Gitea, Bitbucket, Linear, Slack], &["comment.*"]),
    ("command", &[Github, Gitlab, Bitbucket], &["review_comment.created"]),
    ("command", &[Github, Gitea], &["review.submitted"]),
    ("command", &[Slack], &["dispatch.received"]),
    ("mention", &[Github, Gitlab, Jira, Sentry, Gitea, Bitbucket, Linear, Slack], &["comment.*"]),
    ("mention", &[Github, Gitlab, Bitbucket], &["review_comment.created"]),
    ("mention", &[Github, Gitea], &["review.submitted"]),
    ("mention", &[Github, Gitlab, Jira, Gitea, Bitbucket, Linear], &["issue.opened", "issue.edited"]),
    ("mention", FORGES, &["pull_request.opened"]),
    ("project", &[Jira, Linear], &["issue.*", "comment.*", "unmapped.*"]),
    ("project", &[Sentry], &["alert.*", "error.created", "issue.*", "comment.*"]),
    ("level", &[Sentry], &["alert.triggered", "error.created", "issue.*"]),
    ("environment", &[Sentry], &["alert.triggered", "error.created"]),
    ("conclusion", FORGES, &["pipeline.completed"]),
    ("to", &[Jira], &["issue.transitioned"]),
    ("to", &[Sentry, Bitbucket, Linear], &["issue.closed", "issue.reopened", "issue.transitioned"]),
    ("dispatch", &[Github, Slack], &["dispatch.received"]),
];

/// The filters that a trigger sets, in the order of the format.
pub(super) fn filters(trigger: &Trigger) -> impl Iterator<Item = &'static str> {
    let t = trigger;
    let set = [
        ("label_command", t.label_command.is_some()),
        ("label", !t.label.is_unset()),
        ("labels", t.labels.is_some()),
        ("branches", !t.branches.is_unset()),
        ("paths", !t.paths.is_unset()),
        ("draft", t.draft.is_some()),
        ("fork", t.fork.is_some()),
        ("own_pull_request", t.own_pull_request.is_some()),
        ("state", !t.state.is_unset()),
        ("command", !t.command.is_unset()),
        ("mention", !t.mention.is_unset()),
        ("project", !t.project.is_unset()),
        ("level", !t.level.is_unset()),
        ("environment", !t.environment.is_unset()),
        ("conclusion", !t.conclusion.is_unset()),
        ("to", !t.to.is_unset()),
        ("dispatch", !t.dispatch.is_unset()),
    ];
    set.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key)
}

/// Whether a tool sends such events.
pub(super) fn sends(source: SourceKind, event: &EventType) -> bool {
    match event {
        EventType::Unmapped(name) => {
            name.split('.').next() == Some(source.as_str()) && name.len() > source.as_str().len() + 1
        }
        known => {
            let word = known.to_string();
            sent(source).any(|sent| sent == word)
        }
    }
}

/// The words of the events that a tool sends.
pub(super) fn sent(source: SourceKind) -> impl Iterator<Item = &'static str> {
    let patterns = SENT.iter().filter(move |(kind, _)| *kind == source).flat_map(|(_, events)| *events);
    patterns.flat_map(|pattern| EventType::NAMES.iter().copied().filter(move |word| covers(pattern, word)))
}

/// The patterns of events that a key goes with at a source; none where it goes with none of them.
pub(super) fn events_for(key: &str, source: SourceKind) -> impl Iterator<Item = &'static str> {
    KEYS.iter()
        .filter(move |(name, sources, _)| *name == key && sources.contains(&source))
        .flat_map(|(_, _, events)| events.iter().copied())
}

/// The sources that have a key at all.
pub(super) fn sources_for(key: &str) -> Vec<&'static str> {
    let has = |source: &SourceKind| events_for(key, *source).next().is_some();
    SourceKind::TOOLS.iter().filter(|source| has(source)).map(|source| source.as_str()).collect()
}

/// Whether a key goes with an event of a source.
pub(super) fn goes_with(key: &str, source: SourceKind, event: &EventType) -> bool {
    let word = event.to_string();
    events_for(key, source).any(|pattern| covers(pattern, &word))
}

fn covers(pattern: &str, word: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => pattern == word,
    }
}

/// Both tables as Markdown, as `docs/automations.md` has them.
#[must_use]
pub fn tables() -> String {
    let mut text = "| event | sent by |\n|---|---|\n".to_owned();
    for word in EventType::NAMES {
        let tools = SourceKind::TOOLS.iter().filter(|tool| sent(**tool).any(|sent| sent == *word));
        let tools: Vec<&str> = tools.map(|tool| tool.as_str()).collect();
        if !tools.is_empty() {
            let _ = writeln!(text, "| `{word}` | {} |", tools.join(", "));
        }
    }
    text += "\n| key | sources | events |\n|---|---|---|\n";
    for (key, sources, events) in KEYS {
        let sources: Vec<&str> = sources.iter().map(|source| source.as_str()).collect();
        let events: Vec<String> = events.iter().map(|event| format!("`{event}`")).collect();
        let _ = writeln!(text, "| `{key}` | {} | {} |", sources.join(", "), events.join(", "));
    }
    text
}
