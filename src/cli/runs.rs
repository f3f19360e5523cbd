//! `pullwright runs`: what was started, what it did and how it ended.

use chrono::{DateTime, Utc};
use schemas::automation::Usd;
use schemas::{DeliveryId, RunId};
use serde::Deserialize;

use super::args::{Page, State};
use super::client::Client;
use super::deliveries::{List, page_query, say_more, time};
use super::output::Output;
use super::{CliError, Ending};

#[derive(Deserialize)]
struct Row {
    id: RunId,
    automation: String,
    work_item: String,
    repository: String,
    delivery: DeliveryId,
    state: String,
    gate: Option<String>,
    due_at: Option<DateTime<Utc>>,
    step: Option<String>,
    outcome: Option<String>,
    sentence: Option<String>,
    #[serde(default)]
    cancel_requested: bool,
    #[serde(default)]
    reserved: Usd,
    #[serde(default)]
    spent: Usd,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    url: Option<String>,
}

impl Row {
    /// One word for where it stands, as exact as the state allows.
    fn standing(&self) -> String {
        let exact = self.outcome.as_ref().or(self.step.as_ref()).or(self.gate.as_ref());
        let word = match (self.state.as_str(), exact) {
            ("done", Some(outcome)) => outcome.clone(),
            (state, Some(exact)) => format!("{state}: {exact}"),
            (state, None) => state.to_owned(),
        };
        if self.cancel_requested && self.state != "done" { format!("{word} (cancelling)") } else { word }
    }
}

#[derive(Deserialize)]
struct Detail {
    #[serde(flatten)]
    run: Row,
    #[serde(default)]
    linked: Vec<String>,
    branch: String,
    base_branch: Option<String>,
    base: Option<String>,
    head: Option<String>,
    worker: Option<String>,
    #[serde(default)]
    workers_lost: u32,
    trace: Option<String>,
    group: Option<String>,
    behind: Option<RunId>,
    approval: Option<Approval>,
    #[serde(default)]
    events: Vec<EventRow>,
    #[serde(default)]
    steps: Vec<StepTime>,
    #[serde(default)]
    commands: Vec<CommandRow>,
    #[serde(default)]
    intents: Vec<Intent>,
}

#[derive(Deserialize)]
struct Approval {
    code: String,
    approved_by: Option<String>,
    approved_at: Option<DateTime<Utc>>,
}

impl Approval {
    fn sentence(&self) -> String {
        match (&self.approved_by, self.approved_at) {
            (Some(login), Some(at)) => format!("by {login}, {}", time(at)),
            _ => {
                format!("nobody yet; `pullwright runs approve` shows what the code {} stands for", self.code)
            }
        }
    }
}

#[derive(Deserialize)]
struct EventRow {
    delivery: DeliveryId,
    r#type: String,
    time: Option<DateTime<Utc>>,
    actor: Option<String>,
    head: Option<String>,
}

#[derive(Deserialize)]
struct StepTime {
    step: String,
    micros: u64,
}

#[derive(Deserialize)]
struct CommandRow {
    phase: String,
    command: String,
    exit_code: i32,
    duration_ms: u64,
}

#[derive(Deserialize)]
struct Intent {
    kind: String,
    state: String,
    result: Option<String>,
}

#[derive(Deserialize)]
struct Cancelled {
    cancel: String,
}

pub(super) async fn list(
    client: &Client,
    state: Option<State>,
    page: &Page,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let state_query = state.map_or_else(String::new, |state| format!("&state={}", state.word()));
    let answer = client.get::<List<Row>>(&format!("/api/v1/runs{}{state_query}", page_query(page))).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let list = answer.value;
    let rows: Vec<Vec<String>> = list
        .items
        .into_iter()
        .map(|row| {
            let until = row.due_at.map(|due| format!("until {}", time(due)));
            vec![
                row.id.to_string(),
                time(row.created_at),
                row.standing(),
                row.automation,
                row.work_item,
                row.url.or(row.sentence).or(until).unwrap_or_default(),
            ]
        })
        .collect();
    out.rows(&["id", "created", "state", "automation", "work item", "result"], &rows)?;
    let filter = state.map_or_else(String::new, |state| format!(" --state {}", state.word()));
    say_more(list.next.as_ref(), &format!("runs list{filter}"));
    Ok(Ending::Fine)
}

pub(super) async fn show(client: &Client, id: RunId, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<Detail>(&format!("/api/v1/runs/{id}")).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let Detail { run, steps, commands, intents, .. } = &answer.value;
    let detail = &answer.value;
    let lost = (detail.workers_lost > 0).then(|| detail.workers_lost.to_string());
    let took = run.started_at.zip(run.finished_at).map(|(from, to)| length((to - from).num_milliseconds()));
    out.fields(&[
        ("id", Some(run.id.to_string())),
        ("automation", Some(run.automation.clone())),
        ("work item", Some(run.work_item.clone())),
        ("linked to", Some(detail.linked.join(", ")).filter(|linked| !linked.is_empty())),
        ("repository", Some(run.repository.clone())),
        ("delivery", Some(run.delivery.to_string())),
        ("state", Some(run.standing())),
        ("until", run.due_at.map(time)),
        ("behind", detail.behind.map(|run| run.to_string())),
        ("group", detail.group.clone()),
        ("approved", detail.approval.as_ref().map(Approval::sentence)),
        ("may spend", Some(run.reserved).filter(|most| *most > Usd::default()).map(|most| most.to_string())),
        ("spent", Some(run.spent).filter(|spent| *spent > Usd::default()).map(|spent| spent.to_string())),
        ("because", run.sentence.clone()),
        ("result", run.url.clone()),
        ("branch", Some(detail.branch.clone())),
        ("from", detail.base_branch.clone()),
        ("base", detail.base.clone()),
        ("head", detail.head.clone()),
        ("created", Some(time(run.created_at))),
        ("started", run.started_at.map(time)),
        ("finished", run.finished_at.map(time)),
        ("took", took),
        ("worker", detail.worker.clone()),
        ("workers lost", lost),
        ("trace", detail.trace.clone().filter(|trace| !trace.is_empty())),
    ])?;
    if detail.events.len() > 1 {
        out.heading("events")?;
        let row = |event: &EventRow| {
            vec![
                event.delivery.to_string(),
                event.r#type.clone(),
                event.time.map(time).unwrap_or_default(),
                event.actor.clone().unwrap_or_default(),
                event.head.clone().unwrap_or_default(),
            ]
        };
        let rows: Vec<_> = detail.events.iter().map(row).collect();
        out.rows(&["delivery", "event", "time", "actor", "head"], &rows)?;
    }
    if !steps.is_empty() {
        out.heading("steps")?;
        let row = |step: &StepTime| {
            vec![step.step.clone(), length(i64::try_from(step.micros / 1000).unwrap_or(i64::MAX))]
        };
        out.rows(&["step", "took"], &steps.iter().map(row).collect::<Vec<_>>())?;
    }
    if !commands.is_empty() {
        out.heading("commands")?;
        let row = |command: &CommandRow| {
            let took = length(i64::try_from(command.duration_ms).unwrap_or(i64::MAX));
            vec![command.phase.clone(), command.exit_code.to_string(), took, command.command.clone()]
        };
        out.rows(&["phase", "exit", "took", "command"], &commands.iter().map(row).collect::<Vec<_>>())?;
    }
    if !intents.is_empty() {
        out.heading("writes to the forge")?;
        let row = |intent: &Intent| {
            vec![intent.kind.clone(), intent.state.clone(), intent.result.clone().unwrap_or_default()]
        };
        out.rows(&["write", "state", "result"], &intents.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(Ending::Fine)
}

/// A length of time at a glance: `71ms`, `1.5s`, `2m05s`.
fn length(millis: i64) -> String {
    match millis {
        ..1_000 => format!("{millis}ms"),
        1_000..60_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        60_000.. => format!("{}m{:02}s", millis / 60_000, millis / 1000 % 60),
    }
}

pub(super) async fn cancel(client: &Client, id: RunId, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.post::<Cancelled>(&format!("/api/v1/runs/{id}/cancel")).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    out.line(match answer.value.cancel.as_str() {
        "cancelled" => "Cancelled: it had not started.",
        _ => "Requested: its worker ends it within seconds.",
    })?;
    Ok(Ending::Fine)
}
