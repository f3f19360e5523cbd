//! From a delivery that was just stored to what was decided about it.

use std::time::Duration;

use miette::Diagnostic;
use schemas::DeliveryId;

use super::{Detail, Explanation, decisions};
use crate::cli::client::{Answer, Client, ClientError};
use crate::cli::output::Output;
use crate::cli::{CliError, Ending};

/// Deciding takes milliseconds, and seconds when the forge is slow to say who may do what.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often is asked.
const PACE: Duration = Duration::from_millis(100);

/// A delivery that is stored and waits for its decision.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("delivery {0} is stored, but was not decided within a minute")]
#[diagnostic(help(
    "deliveries may be waiting before it, or the database may not answer: see the log, then `pullwright deliveries show {0}`"
))]
pub struct NotDecided(DeliveryId);

/// Prints the id, waits for the decision, and prints that. A delivery that could not be read is a
/// problem found.
pub(super) async fn follow(
    client: &Client,
    id: DeliveryId,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    if !out.json {
        out.line(&format!("delivery {id}\n"))?;
        out.flush()?;
    }
    let waited = tokio::time::timeout(PATIENCE, detail(client, id)).await;
    let answer = waited.map_err(|_| NotDecided(id))??;
    let ending = if answer.value.status == "quarantined" { Ending::Problems } else { Ending::Fine };
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(ending);
    }
    let detail = answer.value;
    let event = detail.event.as_ref();
    let actor = event.and_then(|event| event.actor.as_ref());
    out.fields(&[
        ("status", Some(detail.status)),
        ("duplicate of", detail.duplicate_of.map(|of| of.to_string())),
        ("replay of", detail.replay_of.map(|of| of.to_string())),
        ("error", detail.error),
        ("event", event.map(|event| event.r#type.clone())),
        ("work item", event.and_then(|event| event.work_item.clone())),
        ("actor", actor.map(|actor| format!("{} ({})", actor.login, actor.kind))),
    ])?;
    let explained = client.get::<Explanation>(&format!("/api/v1/deliveries/{id}/explain?all=true")).await?;
    decisions(explained.value.decisions, out)?;
    Ok(ending)
}

/// The delivery, once it is decided: before that there is none.
async fn detail(client: &Client, id: DeliveryId) -> Result<Answer<Detail>, ClientError> {
    loop {
        match client.get::<Detail>(&format!("/api/v1/deliveries/{id}")).await {
            Err(ClientError::NotFound { .. }) => tokio::time::sleep(PACE).await,
            answer => return answer,
        }
    }
}
