//! The files of a folder at a commit: folders by their contents, files by their blobs.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::{StreamExt, TryStreamExt, stream};
use octocrab::Octocrab;
use schemas::{Oid, RepoRef};
use serde::Deserialize;

use super::call::Call;
use super::route::Route;
use crate::ForgeError;
use crate::folder::Folder;

/// Files that are read at the same time.
const AT_ONCE: usize = 8;

/// What an address of contents leads to: a folder is a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Contents {
    Folder(Vec<Entry>),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    sha: String,
    /// `file`, `dir`, `symlink` or `submodule`.
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Blob {
    /// In base64, broken into lines.
    content: String,
}

pub(super) async fn files(
    call: &Call<'_>,
    repo: &RepoRef,
    commit: &Oid,
    path: &str,
) -> Result<BTreeMap<String, Vec<u8>>, ForgeError> {
    let api = call.api(repo).await?;
    let root: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let mut folders = vec![root.join("/")];
    let mut found: Vec<Entry> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in list(call, &api, repo, commit, &folder).await? {
            match entry.kind.as_str() {
                "dir" => folders.push(entry.path),
                "file" => found.push(entry),
                _ => {}
            }
        }
        Folder::admit(found.len() + folders.len())?;
    }
    let prefix = if root.is_empty() { String::new() } else { format!("{}/", root.join("/")) };
    let api = &api;
    let read = stream::iter(found).map(|entry| async move {
        let content = blob(call, api, repo, &entry.sha).await?;
        Ok::<_, ForgeError>((entry.path, content))
    });
    let mut read = read.buffer_unordered(AT_ONCE);
    let mut folder = Folder::default();
    while let Some((path, content)) = read.try_next().await? {
        folder.add(path.strip_prefix(&prefix).unwrap_or(&path).to_owned(), content)?;
    }
    Ok(folder.files())
}

async fn list(
    call: &Call<'_>,
    api: &Octocrab,
    repo: &RepoRef,
    commit: &Oid,
    folder: &str,
) -> Result<Vec<Entry>, ForgeError> {
    let what = format!("the folder `{folder}` of {repo}");
    let mut route = Route::repo(repo)?.then("contents");
    for part in folder.split('/').filter(|part| !part.is_empty()) {
        route = route.with(part)?;
    }
    match call.get::<Contents>(api, &route.query(&[("ref", commit.as_str())]), &what).await? {
        Contents::Folder(entries) => Ok(entries),
        Contents::Other(_) => Err(ForgeError::NotFound { what }),
    }
}

async fn blob(call: &Call<'_>, api: &Octocrab, repo: &RepoRef, sha: &str) -> Result<Vec<u8>, ForgeError> {
    let route = Route::repo(repo)?.then("git/blobs").with(sha)?;
    let blob: Blob = call.get(api, &route, "the file").await?;
    let text: String = blob.content.split_ascii_whitespace().collect();
    BASE64_STANDARD
        .decode(text)
        .map_err(|_| ForgeError::Unavailable { message: "a file came damaged".to_owned() })
}
