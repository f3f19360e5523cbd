//! Pull requests between branches of one repository.

use http::Method;
use schemas::RepoRef;
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::route::Route;
use crate::{ForgeError, NewPullRequest, PullRequest};

#[derive(Deserialize)]
struct Pull {
    number: u64,
    html_url: String,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    branch: String,
    /// `null` when the fork is gone.
    repo: Option<HeadRepository>,
}

#[derive(Deserialize)]
struct HeadRepository {
    full_name: String,
}

pub(super) async fn create(
    call: &Call<'_>,
    repo: &RepoRef,
    new: &NewPullRequest,
) -> Result<PullRequest, ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("pulls");
    let body = json!({
        "title": new.title, "body": new.body, "head": new.head, "base": new.base, "draft": new.draft,
    });
    let what = format!("the repository {repo}");
    let made: Pull = call.write(&api, Method::POST, &route, Some(&body), &what).await?;
    Ok(PullRequest { number: made.number, url: made.html_url })
}

pub(super) async fn find(
    call: &Call<'_>,
    repo: &RepoRef,
    head: &str,
) -> Result<Option<PullRequest>, ForgeError> {
    let api = call.api(repo).await?;
    let (owner, _) = repo.owner_and_name();
    let label = format!("{owner}:{head}");
    let filter = [("head", label.as_str()), ("state", "open"), ("sort", "created"), ("direction", "asc")];
    let route = Route::repo(repo)?.then("pulls").query(&filter);
    call.find(&api, &route, &format!("the repository {repo}"), |pull: Pull| {
        // The filter is by owner and branch: a fork of the same owner would pass it too.
        let here = pull.head.repo.is_some_and(|r| r.full_name.eq_ignore_ascii_case(&repo.path));
        (here && pull.head.branch == head).then_some(PullRequest { number: pull.number, url: pull.html_url })
    })
    .await
}
