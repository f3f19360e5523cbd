//! Pull requests between branches of one repository.

use http::Method;
use schemas::RepoRef;
use serde::Deserialize;
use serde::de::IgnoredAny;
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

pub(super) async fn edit(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    title: &str,
    body: &str,
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("pulls").number(number);
    let edit = json!({ "title": title, "body": body });
    let what = format!("{repo}#{number}");
    call.write::<IgnoredAny>(&api, Method::PATCH, &route, Some(&edit), &what).await.map(drop)
}

pub(super) async fn request_reviews(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    reviewers: &[String],
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("pulls").number(number).then("requested_reviewers");
    let (teams, people): (Vec<&str>, Vec<&str>) =
        reviewers.iter().map(String::as_str).partition(|reviewer| reviewer.contains('/'));
    // Teams are named by their slug alone: they are of the repository's organisation.
    let teams: Vec<&str> = teams.into_iter().filter_map(|team| team.rsplit('/').next()).collect();
    let body = json!({ "reviewers": people, "team_reviewers": teams });
    let what = format!("{repo}#{number}");
    call.write::<IgnoredAny>(&api, Method::POST, &route, Some(&body), &what).await.map(drop)
}
