//! What is asked before something is decided: changed files, a pull request as it stands, teams.

use schemas::{Oid, RepoRef};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::call::Call;
use super::route::Route;
use crate::{ChangeRange, ForgeError, MOST_PATHS, PullRequestFacts};

/// A comparison lists no more files, whatever page is asked for
/// (<https://docs.github.com/en/rest/commits/commits#compare-two-commits>).
const MOST_COMPARED: usize = 300;

#[derive(Deserialize)]
struct File {
    filename: String,
    /// Of a renamed one.
    previous_filename: Option<String>,
}

#[derive(Deserialize)]
struct Comparison {
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Pull {
    head: Side,
    base: Side,
    #[serde(default)]
    draft: bool,
    state: String,
    /// `null` when the account is gone.
    user: Option<Author>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: Oid,
    /// `null` when the fork is gone.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct Author {
    login: String,
}

#[derive(Deserialize)]
struct Membership {
    state: String,
}

pub(super) async fn changed_paths(
    call: &Call<'_>,
    repo: &RepoRef,
    of: &ChangeRange,
) -> Result<Vec<String>, ForgeError> {
    let api = call.api(repo).await?;
    let mut files = Vec::new();
    let (what, limit, words) = match of {
        ChangeRange::PullRequest(number) => {
            let route = Route::repo(repo)?.then("pulls").number(*number).then("files");
            let what = format!("{repo}#{number}");
            let keep = |file: File| {
                files.push(file);
                (files.len() >= MOST_PATHS).then_some(())
            };
            call.find(&api, &route, &what, keep).await?;
            (format!("the list of files of {what}"), MOST_PATHS, "3,000 files")
        }
        ChangeRange::Commits { base, head } => {
            let route = Route::repo(repo)?.then("compare").with(&format!("{base}...{head}"))?;
            let what = format!("the comparison of {base} and {head} in {repo}");
            files = call.get::<Comparison>(&api, &route, &what).await?.files;
            (what, MOST_COMPARED, "300 files")
        }
    };
    // A full list may be one that was cut.
    if files.len() >= limit {
        return Err(ForgeError::TooLarge { what, limit: words });
    }
    Ok(files.into_iter().flat_map(|file| [Some(file.filename), file.previous_filename]).flatten().collect())
}

pub(super) async fn pull_request(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
) -> Result<PullRequestFacts, ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("pulls").number(number);
    let found: Pull = call.get(&api, &route, &format!("{repo}#{number}")).await?;
    let place = |side: &Side| side.repo.as_ref().map(|repository| repository.full_name.to_lowercase());
    let here = place(&found.head);
    Ok(PullRequestFacts {
        fork: here.is_none() || here != place(&found.base),
        head_ref: found.head.branch,
        head: Some(found.head.sha),
        base_ref: found.base.branch,
        draft: found.draft,
        open: found.state == "open",
        author: found.user.map(|user| user.login),
    })
}

pub(super) async fn is_member(
    call: &Call<'_>,
    repo: &RepoRef,
    team: &str,
    login: &str,
) -> Result<bool, ForgeError> {
    let what = format!("the team `{team}`");
    let Some((organisation, slug)) = team.split_once('/') else { return Err(ForgeError::NotFound { what }) };
    let api = call.api(repo).await?;
    let place = Route::fixed("/orgs").with(organisation)?.then("teams").with(slug)?;
    let Ok(route) = place.clone().then("memberships").with(login) else { return Ok(false) };
    match call.get::<Membership>(&api, &route, &what).await {
        Ok(found) => Ok(found.state == "active"),
        // Either no member, or a team that is not there for us: the answers are alike.
        Err(ForgeError::NotFound { .. }) => call.get::<IgnoredAny>(&api, &place, &what).await.map(|_| false),
        Err(error) => Err(error),
    }
}
