//! A named check on a commit: a check run where we are an App, else a commit status.

use http::Method;
use schemas::{Oid, RepoRef};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::call::Call;
use super::route::Route;
use crate::{Check, CheckState, ForgeError};

/// Characters of a status's description.
const MAX_DESCRIPTION: usize = 140;

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    id: u64,
    status: String,
}

pub(super) async fn set(
    call: &Call<'_>,
    repo: &RepoRef,
    head: &Oid,
    check: &Check,
) -> Result<(), ForgeError> {
    match call.github.app_id() {
        Some(app) => set_check_run(call, repo, head, check, app).await,
        None => set_status(call, repo, head, check).await,
    }
}

async fn set_check_run(
    call: &Call<'_>,
    repo: &RepoRef,
    head: &Oid,
    check: &Check,
    app: u64,
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let what = format!("the commit {head} of {repo}");
    let app = app.to_string();
    let filter = [("check_name", check.name.as_str()), ("filter", "latest"), ("app_id", &app)];
    let list = Route::repo(repo)?.then("commits").with(head.as_str())?.then("check-runs").query(&filter);
    let found: CheckRuns = call.get(&api, &list, &what).await?;
    let route = Route::repo(repo)?.then("check-runs");
    let pending = check.state == CheckState::Pending;
    // A completed run stays completed; going back to pending is a new run of the same name.
    let known = found.check_runs.into_iter().next().filter(|run| !(pending && run.status == "completed"));
    let mut body = json!({
        "name": check.name,
        "output": { "title": check.summary, "summary": check.summary },
    });
    let conclusion = match check.state {
        CheckState::Pending => None,
        CheckState::Success => Some("success"),
        CheckState::Failure => Some("failure"),
        CheckState::Neutral => Some("neutral"),
    };
    match conclusion {
        Some(conclusion) => {
            put(&mut body, "status", "completed");
            put(&mut body, "conclusion", conclusion);
        }
        None => put(&mut body, "status", "in_progress"),
    }
    let _: IgnoredAny = match known {
        Some(run) => call.write(&api, Method::PATCH, &route.number(run.id), Some(&body), &what).await?,
        None => {
            put(&mut body, "head_sha", head.as_str());
            call.write(&api, Method::POST, &route, Some(&body), &what).await?
        }
    };
    Ok(())
}

/// GitHub keeps the newest status of each context, so setting it again is harmless.
async fn set_status(call: &Call<'_>, repo: &RepoRef, head: &Oid, check: &Check) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("statuses").with(head.as_str())?;
    let state = match check.state {
        CheckState::Pending => "pending",
        // Statuses have no neutral; an unset one would hold up a required check for ever.
        CheckState::Success | CheckState::Neutral => "success",
        CheckState::Failure => "failure",
    };
    let description: String = check.summary.chars().take(MAX_DESCRIPTION).collect();
    let body = json!({ "state": state, "context": check.name, "description": description });
    let what = format!("the commit {head} of {repo}");
    let _: IgnoredAny = call.write(&api, Method::POST, &route, Some(&body), &what).await?;
    Ok(())
}

fn put(body: &mut Value, name: &str, value: &str) {
    if let Some(object) = body.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}
