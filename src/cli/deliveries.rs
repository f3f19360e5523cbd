//! `pullwright deliveries`: what arrived, and why it did or did not start something.

mod decided;
mod replay;
mod send;
mod sender;
mod tail;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::DeliveryId;
use serde::Deserialize;

use super::args::Page;
use super::client::Client;
use super::output::Output;
use super::{CliError, Ending};

pub use decided::NotDecided;
pub(super) use replay::replay;
pub use send::SendError;
pub(super) use send::send;
pub(super) use tail::tail;

/// A list's answer.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: DeliveryId,
    webhook: String,
    received_at: DateTime<Utc>,
    status: String,
    event: Option<String>,
    work_item: Option<String>,
    actor: Option<String>,
    #[serde(default)]
    decisions: BTreeMap<String, u32>,
}

impl Row {
    /// What a line of a list holds.
    fn cells(self) -> Vec<String> {
        let decisions: Vec<String> =
            self.decisions.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        let decisions = if decisions.is_empty() { self.status } else { decisions.join(", ") };
        vec![
            self.id.to_string(),
            time(self.received_at),
            self.webhook,
            self.event.unwrap_or_default(),
            self.work_item.unwrap_or_default(),
            self.actor.unwrap_or_default(),
            decisions,
        ]
    }
}

#[derive(Deserialize)]
struct Decision {
    automation: String,
    verdict: String,
    sentence: String,
}

#[derive(Deserialize)]
struct Detail {
    id: DeliveryId,
    webhook: String,
    received_at: DateTime<Utc>,
    status: String,
    duplicate_of: Option<DeliveryId>,
    replay_of: Option<DeliveryId>,
    error: Option<String>,
    rule_set: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    size: Option<u64>,
    event: Option<Event>,
    #[serde(default)]
    decisions: Vec<Decision>,
    #[serde(default)]
    runs: Vec<String>,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    work_item: Option<String>,
    actor: Option<Actor>,
}

#[derive(Deserialize)]
struct Actor {
    login: String,
    kind: String,
}

#[derive(Deserialize)]
struct Explanation {
    #[serde(default)]
    rule_set_changed: bool,
    decisions: Vec<Decision>,
    #[serde(default)]
    left_out: usize,
}

/// A time as lists print it.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `?limit=…&before=…`, made of checked parts.
pub(super) fn page_query(page: &Page) -> String {
    match page.before {
        Some(before) => format!("?limit={}&before={before}", page.limit),
        None => format!("?limit={}", page.limit),
    }
}

/// Tells where a list goes on, beside the data.
pub(super) fn say_more(next: Option<&String>, command: &str) {
    if let Some(next) = next {
        eprintln!("older ones: pullwright {command} --before {}", super::escape::line(next));
    }
}

pub(super) async fn list(client: &Client, page: &Page, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<List<Row>>(&format!("/api/v1/deliveries{}", page_query(page))).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let list = answer.value;
    let rows: Vec<Vec<String>> = list.items.into_iter().map(Row::cells).collect();
    out.rows(&["id", "received", "webhook", "event", "work item", "actor", "decisions"], &rows)?;
    say_more(list.next.as_ref(), "deliveries list");
    Ok(Ending::Fine)
}

pub(super) async fn show(client: &Client, id: DeliveryId, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<Detail>(&format!("/api/v1/deliveries/{id}")).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let detail = answer.value;
    let event = detail.event.as_ref();
    let actor = event.and_then(|event| event.actor.as_ref());
    out.fields(&[
        ("id", Some(detail.id.to_string())),
        ("webhook", Some(detail.webhook)),
        ("received", Some(time(detail.received_at))),
        ("status", Some(detail.status)),
        ("duplicate of", detail.duplicate_of.map(|of| of.to_string())),
        ("replay of", detail.replay_of.map(|of| of.to_string())),
        ("error", detail.error),
        ("event", event.map(|event| event.r#type.clone())),
        ("work item", event.and_then(|event| event.work_item.clone())),
        ("actor", actor.map(|actor| format!("{} ({})", actor.login, actor.kind))),
        ("size", detail.size.map(|size| format!("{size} bytes"))),
        ("rule set", detail.rule_set),
    ])?;
    if !detail.headers.is_empty() {
        out.heading("headers")?;
        let headers: Vec<_> =
            detail.headers.iter().map(|(name, value)| (name.as_str(), Some(value.clone()))).collect();
        out.fields(&headers)?;
    }
    decisions(detail.decisions, out)?;
    if !detail.runs.is_empty() {
        out.heading("runs")?;
        out.rows(&["id"], &detail.runs.into_iter().map(|run| vec![run]).collect::<Vec<_>>())?;
    }
    Ok(Ending::Fine)
}

fn decisions(decisions: Vec<Decision>, out: &mut Output<'_>) -> Result<(), CliError> {
    if decisions.is_empty() {
        return Ok(());
    }
    out.heading("decisions")?;
    let rows: Vec<_> = decisions
        .into_iter()
        .map(|decision| vec![decision.automation, decision.verdict, decision.sentence])
        .collect();
    Ok(out.rows(&["automation", "verdict", "because"], &rows)?)
}

pub(super) async fn explain(
    client: &Client,
    id: DeliveryId,
    current: bool,
    all: bool,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let asked = format!("/api/v1/deliveries/{id}/explain?current={current}&all={all}");
    let answer = client.get::<Explanation>(&asked).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let explanation = answer.value;
    if explanation.decisions.is_empty() && explanation.left_out == 0 {
        let detail = client.get::<Detail>(&format!("/api/v1/deliveries/{id}")).await?.value;
        out.line(&match detail.error {
            Some(error) => format!("It could not be read: {}", super::escape::line(&error)),
            None => "No automation is in force.".to_owned(),
        })?;
    }
    let rows: Vec<_> = explanation
        .decisions
        .into_iter()
        .map(|decision| vec![decision.automation, decision.verdict, decision.sentence])
        .collect();
    out.rows(&["automation", "verdict", "because"], &rows)?;
    if explanation.left_out > 0 {
        let left_out = explanation.left_out;
        eprintln!("{left_out} automation(s) listen to other events; --all shows them too");
    }
    if explanation.rule_set_changed && !current {
        eprintln!(
            "the automations have changed since this delivery was decided; --current asks those of now"
        );
    }
    Ok(Ending::Fine)
}

#[cfg(test)]
mod tests;
