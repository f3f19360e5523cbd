//! From a match to a queued run: bursts, other runs, money, people's words.

mod approval;
mod commands;
mod concurrency;
mod debounce;
pub mod duplicates;
mod line;
mod money;

use std::time::Duration;

use broker::Publisher;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use schemas::control::Job;
use schemas::delivery::{Body, Delivery};
use schemas::run::{Outcome, Reason, RunState};
use schemas::trace::TraceContext;
use schemas::{Clock, ControlPlane, DeliveryId, RunId, WebhookName};
use serde_json::{Value, json};
use store::RunRecord;

use crate::control::report;
use crate::support::World;

/// An automation `fix` that starts with the label, and has these keys besides.
fn fix(keys: &str) -> String {
    automation("fix", keys)
}

fn automation(name: &str, keys: &str) -> String {
    format!(
        "  - name: {name}\n    on: [{{ source: github, event: issue.labeled, label_command: 'agent:{name}' }}]\n    run: {{ commands: ['true'] }}\n{keys}"
    )
}

fn file(automations: &[String]) -> String {
    format!("version: 1\nautomations:\n{}", automations.concat())
}

/// A moment of the events' clock, `after` seconds past nine.
fn moment(after: i64) -> String {
    let nine: DateTime<Utc> = crate::support::at("2026-11-21T09:00:00Z");
    (nine + TimeDelta::seconds(after)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn repository() -> Value {
    json!({
        "id": 1, "name": "api", "full_name": "acme/api", "default_branch": "main",
        "html_url": "https://github.example/acme/api", "owner": { "id": 9, "login": "acme" },
    })
}

/// The label `agent:<automation>` was put on an issue by `ana`; the time makes it a happening of its own.
fn labeled(number: u64, automation: &str, after: i64) -> Value {
    let label = format!("agent:{automation}");
    json!({
        "action": "labeled",
        "label": { "id": 1, "name": label },
        "issue": {
            "id": 1000 + number, "number": number, "title": "t", "body": "b", "updated_at": moment(after),
            "html_url": format!("https://github.example/acme/api/issues/{number}"),
            "labels": [{ "name": label }], "user": { "id": 5, "login": "bo", "type": "User" }, "state": "open",
        },
        "repository": repository(),
        "sender": { "id": 1, "login": "ana", "type": "User" },
    })
}

/// Somebody wrote a comment on an issue.
fn comment(number: u64, id: u64, text: &str, (login, account): (&str, u64)) -> Value {
    json!({
        "action": "created",
        "issue": {
            "id": 1000 + number, "number": number, "title": "t", "body": "b", "updated_at": moment(0),
            "html_url": format!("https://github.example/acme/api/issues/{number}"),
            "labels": [], "user": { "id": 5, "login": "bo", "type": "User" }, "state": "open",
        },
        "comment": {
            "id": id, "body": text, "created_at": moment(0), "updated_at": moment(0),
            "html_url": format!("https://github.example/acme/api/issues/{number}#issuecomment-{id}"),
            "user": { "id": account, "login": login, "type": "User" },
        },
        "repository": repository(),
        "sender": { "id": account, "login": login, "type": "User" },
    })
}

impl World {
    /// Puts an event into the queue, to be decided with others.
    async fn queue_event(&self, event: &str, guid: &str, body: &Value) {
        let headers =
            [("x-github-event", event), ("x-github-delivery", guid), ("content-type", "application/json")];
        let delivery = Delivery {
            id: DeliveryId::fresh(&*self.clock),
            webhook: WebhookName::from("github"),
            received_at: self.clock.now(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: Body::compress(body.to_string().as_bytes()),
            trace: TraceContext::default(),
            replay_of: None,
        };
        self.queue.publish(delivery).await.unwrap();
    }

    async fn label_for(&self, number: u64, automation: &str, after: i64) -> DeliveryId {
        let body = labeled(number, automation, after).to_string();
        self.deliver(&format!("{number}-{automation}-{after}"), body.as_bytes()).await
    }

    async fn comment(&self, number: u64, id: u64, text: &str, who: (&str, u64)) {
        let body = comment(number, id, text, who).to_string();
        self.deliver_as("issue_comment", &format!("comment-{id}"), body.as_bytes()).await;
        self.publish().await;
    }

    async fn sweep(&self) {
        self.dispatcher.sweep(&mut dispatcher::Watches::default()).await.unwrap();
        self.dispatcher.prepare_approvals().await.unwrap();
    }

    /// The runs, oldest first.
    async fn runs(&self) -> Vec<RunRecord> {
        let mut runs = Vec::new();
        let mut before = None;
        loop {
            let page = self.store.runs(500, before, None).await.unwrap();
            runs.extend(page.items);
            before = page.next;
            if before.is_none() {
                runs.reverse();
                return runs;
            }
        }
    }

    /// Where each run stands, oldest first, in few words.
    async fn standings(&self) -> Vec<String> {
        self.runs().await.iter().map(|record| standing(&record.run.state)).collect()
    }

    async fn claim_one(&self) -> Option<Job> {
        let nonce = self.clock.fresh_id().to_string();
        self.dispatcher.claim(self.claim(&nonce)).await.unwrap()
    }

    async fn end(&self, job: &Job) {
        let report = report(Outcome::NoChange, Reason::NothingChanged);
        self.dispatcher.report(job.run, job.epoch, report).await.unwrap();
    }

    /// Works off everything that can be claimed, one after the other; which runs, in that order.
    async fn work_off(&self) -> Vec<RunId> {
        let mut order = Vec::new();
        while let Some(job) = self.claim_one().await {
            order.push(job.run);
            self.clock.advance(Duration::from_millis(1));
            self.end(&job).await;
        }
        order
    }

    fn comments(&self) -> Vec<String> {
        self.forge.with(|forge| forge.comments.iter().map(|(_, text)| text.clone()).collect())
    }
}

fn standing(state: &RunState) -> String {
    match state {
        RunState::Pending { gate, .. } => format!("{gate:?}").to_lowercase(),
        RunState::Done { outcome, .. } => format!("{outcome:?}").to_lowercase(),
        other => other.word().to_owned(),
    }
}
