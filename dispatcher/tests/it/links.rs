//! Which texts make work items one problem.

use dispatcher::links::{Reference, Tracker, Trackers, references};
use schemas::event::{Event, EventType, SourceKind};
use schemas::{ConnectionName, Untrusted, WorkItem};

use crate::support::{World, labeled};

fn trackers(jiras: &[&str]) -> Trackers {
    let jira = |name: &&str| {
        let url = format!("https://{name}.example");
        (ConnectionName::from(*name), Tracker { kind: SourceKind::Jira, url })
    };
    let sentry = Tracker { kind: SourceKind::Sentry, url: "https://sentry.example".into() };
    let sentry = [(ConnectionName::from("sentry"), sentry)];
    jiras.iter().map(jira).chain(sentry).collect()
}

/// A pull request of `ana`, labelled by her, with this text.
fn pull_request(body: &str) -> Event {
    let mut event = Event { r#type: EventType::PullRequestLabeled, ..labeled("agent:fix") };
    let item = event.item.as_mut().unwrap();
    item.body = Untrusted::from(body);
    item.author = Some("Ana".into());
    item.is_pull_request = true;
    item.url = Some("https://forge.example/acme/api/pull/57".into());
    event
}

/// What a text names, as `=item` where it closes it and `~item` where it only points to it.
fn named(event: &Event, jiras: &[&str]) -> Vec<String> {
    let show = |reference: Reference| match reference {
        Reference::Closes(item) => format!("={item}"),
        Reference::Remote(item) => format!("~{item}"),
        Reference::SentryIssue { connection, id } => format!("~{connection}?{id}"),
    };
    references(event, &trackers(jiras)).into_iter().map(show).collect()
}

#[test]
fn what_a_pull_requests_text_names() {
    let table: &[(&str, &[&str])] = &[
        ("Fixes #12", &["=github:acme/api#12"]),
        ("fixed: #12, and it closes acme/web#3.", &["=github:acme/api#12", "=github:acme/web#3"]),
        ("Closes #4, #6 and acme/web#7", &["=github:acme/api#4", "=github:acme/api#6", "=github:acme/web#7"]),
        ("Resolves https://forge.example/acme/web/issues/3", &["=github:acme/web#3"]),
        ("Closes https://forge.example/acme/web/-/issues/3#note_1", &["=github:acme/web#3"]),
        ("Fixes https://other.example/acme/web/issues/3", &[]),
        ("Implements PAY-31", &["=jira:PAY-31"]),
        ("See https://jira.example/browse/PAY-31?focus=1.", &["~jira:PAY-31"]),
        ("Seen in https://sentry.example/organizations/acme/issues/4711/", &["~sentry?4711"]),
        ("Seen in https://acme.sentry.example/issues/4711/events/1/", &["~sentry?4711"]),
        ("https://evilsentry.example/issues/1 https://jira.example.evil/browse/PAY-1", &[]),
        ("Fixes #12\n\nfixes #12", &["=github:acme/api#12"]),
        ("See #12. It prefixes #13, and UTF-8 is unfixed #14", &[]),
        ("> Fixes #12\n\n`fixes #13`\n\n```\nfixes #14\n```\n<!-- fixes #15 -->", &[]),
        ("Fixes #99999999999999999999999", &[]),
        ("Fixes ../../x#1 and -x/y#2", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(named(&pull_request(text), &["jira"]), *expected, "{text}");
    }
    let many: String = (0..100).map(|number| format!("Fixes #{number}\n")).collect();
    assert_eq!(named(&pull_request(&many), &[]).len(), 10);
    let two = named(&pull_request("Fixes PAY-31, https://jira.example/browse/PAY-32"), &["jira", "other"]);
    assert_eq!(two, ["~jira:PAY-32"], "with two Jiras a key alone does not tell whose it is");
}

#[test]
fn a_strangers_text_names_nothing() {
    let mut event = pull_request("Fixes #12, https://jira.example/browse/PAY-31");
    event.item.as_mut().unwrap().author = Some("mallory".into());
    assert_eq!(named(&event, &["jira"]), [""; 0]);
    event.item.as_mut().unwrap().author = None;
    assert_eq!(named(&event, &["jira"]), [""; 0]);
}

#[test]
fn an_issue_closes_nothing_but_may_point_to_its_ticket() {
    let mut event = pull_request("Fixes #13, https://jira.example/browse/PAY-31");
    event.item.as_mut().unwrap().is_pull_request = false;
    assert_eq!(named(&event, &["jira"]), ["~jira:PAY-31"]);
}

#[tokio::test]
async fn the_pull_request_that_a_run_opened_is_of_its_problem() {
    let (world, _) = World::with_pull_request().await;
    let root = WorkItem::from("github:acme/api#12");
    let links = world.store.links_to(&root).await.unwrap();
    let links: Vec<_> = links.iter().map(|link| (link.work_item.as_str(), link.kind)).collect();
    assert_eq!(links, [("github:acme/api#101", store::LinkKind::OwnPullRequest)]);
}
