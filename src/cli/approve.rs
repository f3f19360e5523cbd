//! `pullwright runs approve`: shows what a run would be given, and agrees to it.

use schemas::RunId;
use serde::Deserialize;

use super::client::Client;
use super::output::Output;
use super::{CliError, Ending};

#[derive(Deserialize)]
struct Waiting {
    automation: String,
    work_item: String,
    repository: String,
    approval: Option<Approval>,
    inputs: Option<Inputs>,
}

#[derive(Deserialize)]
struct Approval {
    inputs: String,
    code: String,
    head: String,
    approved_by: Option<String>,
}

#[derive(Deserialize)]
struct Inputs {
    title: Option<String>,
    body: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    commands: Vec<String>,
    prompt: Option<String>,
}

#[derive(Deserialize)]
struct Approved {}

/// Without `given` the inputs are shown; with it the run goes on, if they are still those.
pub(super) async fn run(
    client: &Client,
    id: RunId,
    given: Option<&str>,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let answer = client.get::<Waiting>(&format!("/api/v1/runs/{id}")).await?;
    let waiting = answer.value;
    let Some(approval) = waiting.approval.filter(|approval| approval.approved_by.is_none()) else {
        out.line("This run does not wait for approval.")?;
        return Ok(Ending::Problems);
    };
    if !out.json {
        let inputs = waiting.inputs.as_ref();
        let text = |pick: fn(&Inputs) -> Option<&String>| inputs.and_then(pick).cloned();
        out.fields(&[
            ("automation", Some(waiting.automation)),
            ("work item", Some(waiting.work_item)),
            ("repository", Some(waiting.repository)),
            ("starts from", Some(approval.head)),
            ("title", text(|inputs| inputs.title.as_ref())),
            ("text", text(|inputs| inputs.body.as_ref())),
            ("comment", text(|inputs| inputs.comment.as_ref())),
            ("commands", inputs.map(|inputs| inputs.commands.join("; ")).filter(|all| !all.is_empty())),
            ("prompt", text(|inputs| inputs.prompt.as_ref())),
            ("code", Some(approval.code.clone())),
        ])?;
    }
    let Some(given) = given.map(str::to_ascii_lowercase) else {
        if out.json {
            out.raw_json(&answer.text)?;
        } else {
            out.line(&format!("\nTo agree: pullwright runs approve {id} --inputs {}", approval.code))?;
        }
        return Ok(Ending::Fine);
    };
    if given != approval.code && given != approval.inputs {
        if !out.json {
            out.line("\nThis is not the code of what is shown above; nothing was approved.")?;
        }
        return Ok(Ending::Problems);
    }
    let path = format!("/api/v1/runs/{id}/approve?inputs={}", approval.inputs);
    let approved = client.post::<Approved>(&path).await?;
    if out.json {
        out.raw_json(&approved.text)?;
    } else {
        out.line("\nApproved.")?;
    }
    Ok(Ending::Fine)
}
