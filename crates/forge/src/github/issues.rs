//! Issues and pull requests alike: reactions, labels, comments.

use http::Method;
use schemas::RepoRef;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::account;
use super::call::Call;
use super::route::Route;
use crate::{CommentRef, ForgeError, ReactionTarget};

#[derive(Deserialize)]
struct Comment {
    id: u64,
    html_url: String,
    body: Option<String>,
    /// `null` when the account is gone.
    user: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    login: String,
}

impl Comment {
    fn reference(self) -> CommentRef {
        CommentRef { id: self.id, url: self.html_url }
    }
}

pub(super) async fn react(
    call: &Call<'_>,
    repo: &RepoRef,
    target: &ReactionTarget,
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let (route, what) = match target {
        ReactionTarget::Item(number) => {
            (Route::repo(repo)?.then("issues").number(*number), format!("{repo}#{number}"))
        }
        ReactionTarget::Comment { number, id } => (
            Route::repo(repo)?.then("issues/comments").number(*id),
            format!("the comment {id} on {repo}#{number}"),
        ),
    };
    let body = json!({ "content": "eyes" });
    let _: IgnoredAny = call.write(&api, Method::POST, &route.then("reactions"), Some(&body), &what).await?;
    Ok(())
}

pub(super) async fn remove_label(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    label: &str,
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let issue = Route::repo(repo)?.then("issues").number(number).then("labels");
    let route = issue.clone().with(label)?;
    let what = format!("{repo}#{number}");
    match call.write::<IgnoredAny>(&api, Method::DELETE, &route, None::<&()>, &what).await {
        Ok(_) => Ok(()),
        // Either the label is not there, which is fine, or the issue is not.
        Err(ForgeError::NotFound { .. }) => call.get::<IgnoredAny>(&api, &issue, &what).await.map(drop),
        Err(error) => Err(error),
    }
}

pub(super) async fn add_labels(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    labels: &[String],
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("issues").number(number).then("labels");
    let body = json!({ "labels": labels });
    let what = format!("{repo}#{number}");
    call.write::<IgnoredAny>(&api, Method::POST, &route, Some(&body), &what).await.map(drop)
}

pub(super) async fn create_comment(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    body: &str,
) -> Result<CommentRef, ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("issues").number(number).then("comments");
    let body = json!({ "body": body });
    let made: Comment =
        call.write(&api, Method::POST, &route, Some(&body), &format!("{repo}#{number}")).await?;
    Ok(made.reference())
}

pub(super) async fn edit_comment(
    call: &Call<'_>,
    repo: &RepoRef,
    comment: &CommentRef,
    body: &str,
) -> Result<(), ForgeError> {
    let api = call.api(repo).await?;
    let route = Route::repo(repo)?.then("issues/comments").number(comment.id);
    let what = format!("the comment {}", comment.url);
    let body = json!({ "body": body });
    let _: IgnoredAny = call.write(&api, Method::PATCH, &route, Some(&body), &what).await?;
    Ok(())
}

pub(super) async fn find_comment(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    marker: &str,
) -> Result<Option<CommentRef>, ForgeError> {
    let us = account::login(call).await?;
    let api = call.api(repo).await?;
    // Listed by ascending id, so the first is the oldest.
    let route = Route::repo(repo)?.then("issues").number(number).then("comments");
    call.find(&api, &route, &format!("{repo}#{number}"), |comment: Comment| {
        let ours = comment.user.as_ref().is_some_and(|u| u.login.eq_ignore_ascii_case(us));
        let marked = comment.body.as_ref().is_some_and(|b| b.contains(marker));
        (ours && marked).then(|| comment.reference())
    })
    .await
}
