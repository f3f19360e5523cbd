//! An automation's own test: a delivery from a file, read and decided as a real one would be.

use chrono::{DateTime, Utc};
use forge::PullRequestFacts;
use schemas::automation::{AutomationTest, TestFacts, TestPullRequest};
use schemas::decision::Verdict;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId, Event, RepoRef};

use crate::WebhookReading;
use crate::decide::facts::{Answer, Answered, FactKey, Facts};
use crate::decide::{Context, Evaluation, decide};
use crate::rules::Rule;

/// Rounds of questions; each answers what the one before asked for.
const ROUNDS: usize = 8;

/// What an automation made of its test's delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The decision.
    pub verdict: Verdict,
    /// Where a run would work.
    pub repository: Option<RepoRef>,
    /// In which way that is not what the test expects; `None` where it is.
    pub failure: Option<String>,
}

/// Tries one test; `body` is its payload.
///
/// # Errors
/// When the body is nothing that the webhook's sender would send.
pub fn run_test(
    rule: &Rule,
    test: &AutomationTest,
    body: &[u8],
    reading: &WebhookReading,
    context: &Context,
    now: DateTime<Utc>,
) -> Result<Tried, String> {
    let event = read(test, body, reading, now)?;
    let (verdict, repository) = decided(rule, test, &event, context);
    let failure = unexpected(test, &verdict, repository.as_ref());
    Ok(Tried { verdict, repository, failure })
}

fn read(
    test: &AutomationTest,
    body: &[u8],
    reading: &WebhookReading,
    now: DateTime<Utc>,
) -> Result<Event, String> {
    let delivery = Delivery {
        id: DeliveryId(uuid::Uuid::nil()),
        webhook: test.webhook.as_str().into(),
        received_at: now,
        headers: test
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect(),
        body: Body::compress(body),
        trace: TraceContext::default(),
        replay_of: None,
    };
    let event = match &reading.mapping {
        Some(mapping) => senders::generic::parse(mapping, &reading.connection, &delivery, body),
        None => senders::parse(reading.kind, &reading.connection, &delivery, body),
    };
    event.map_err(|error| error.to_string())
}

fn decided(
    rule: &Rule,
    test: &AutomationTest,
    event: &Event,
    context: &Context,
) -> (Verdict, Option<RepoRef>) {
    if !rule.listens(event) {
        let about = |event: &Event| format!("{} {}", event.source, event.r#type);
        let wants =
            rule.automation.on.iter().map(crate::rules::trigger_words).collect::<Vec<_>>().join(" or ");
        if !rule.automation.on.iter().any(|trigger| trigger.event.contains(&event.r#type)) {
            let clause = "event".to_owned();
            return (Verdict::NotMatched { clause, wants, value: about(event) }, None);
        }
    }
    let mut facts = Facts::default();
    for _ in 0..ROUNDS {
        match decide(rule, event, context, &facts) {
            Evaluation::Match(matched) => return (Verdict::Matched { run: None }, Some(matched.repository)),
            Evaluation::Verdict(verdict) => return (verdict, None),
            Evaluation::NeedsFacts(questions) => {
                for question in questions {
                    let answer = answer(&test.facts, &question);
                    facts.insert(question, answer);
                }
            }
        }
    }
    (Verdict::Error { message: "it asks without end".to_owned() }, None)
}

/// What the test says that the forge would answer.
fn answer(facts: &TestFacts, question: &FactKey) -> Answered {
    let missing = |key: &str| format!("the test's `facts` do not say `{key}`");
    let member = |name: &String| Ok(Answer::Is(facts.teams.contains(name)));
    match question {
        FactKey::Permission { .. } => {
            facts.permission.map(Answer::Permission).ok_or_else(|| missing("permission"))
        }
        FactKey::Team { team: name, .. }
        | FactKey::Group { group: name, .. }
        | FactKey::Role { role: name, .. } => member(name),
        FactKey::ChangedPaths { .. } => {
            facts.paths.clone().map(Answer::Paths).ok_or_else(|| missing("paths"))
        }
        FactKey::OwnPullRequest { .. } => {
            facts.own_pull_request.map(Answer::Is).ok_or_else(|| missing("own_pull_request"))
        }
        FactKey::OpenPullRequest { .. } => {
            Ok(Answer::Number((facts.open_pull_request == Some(true)).then_some(1)))
        }
        FactKey::OwnCommit { .. } | FactKey::OwnLabel { .. } | FactKey::OwnUnlabel { .. } => {
            Ok(Answer::Is(false))
        }
        FactKey::PullRequest { .. } => {
            let ours = || (facts.own_pull_request == Some(true)).then(TestPullRequest::default);
            let given = facts.pull_request.clone().or_else(ours).ok_or_else(|| missing("pull_request"))?;
            Ok(Answer::PullRequest(PullRequestFacts {
                head_ref: "pullwright/test".to_owned(),
                head: None,
                base_ref: given.branch.unwrap_or_else(|| "main".to_owned()),
                draft: given.draft,
                fork: given.fork,
                open: true,
                author: None,
            }))
        }
    }
}

fn unexpected(test: &AutomationTest, verdict: &Verdict, repository: Option<&RepoRef>) -> Option<String> {
    let expected = &test.expect;
    if verdict.word() != expected.decision {
        return Some(format!("expected `{}`; {}: {}", expected.decision, verdict.word(), verdict.sentence()));
    }
    if let (Some(wanted), Verdict::NotMatched { clause, .. }) = (&expected.clause, verdict)
        && wanted != clause
    {
        return Some(format!("expected that `{wanted}` does not hold; {}", verdict.sentence()));
    }
    match &expected.repository {
        Some(wanted) if Some(wanted) != repository => {
            let found = repository.map_or_else(|| "none".to_owned(), ToString::to_string);
            Some(format!("expected a run in {wanted}; it would work in {found}"))
        }
        _ => None,
    }
}
