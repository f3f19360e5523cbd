//! The files of a folder at a commit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use gitlab::api::common::path_escaped;
use gitlab::api::projects::repository::files::FileRaw;
use gitlab::api::{AsyncQuery, Endpoint, Pageable, QueryParams};
use http::Method;
use schemas::{Oid, RepoRef};
use serde::Deserialize;

use super::call::{Call, built};
use super::outcome::{self, Kind};
use crate::ForgeError;
use crate::folder::Folder;

/// Files that are read at the same time.
const AT_ONCE: usize = 8;

/// The tree of a commit. The crate's own endpoint puts its parameters into a body, which is no place
/// for those of a GET.
struct Tree<'a> {
    repo: &'a RepoRef,
    commit: &'a Oid,
    path: &'a str,
}

impl Endpoint for Tree<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/tree", path_escaped(&self.repo.path)).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut params = QueryParams::default();
        params.push("ref", self.commit.as_str()).push("path", self.path).push("recursive", true);
        params
    }
}

impl Pageable for Tree<'_> {
    fn use_keyset_pagination(&self) -> bool {
        true
    }
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    /// `blob`, `tree` or `commit`.
    #[serde(rename = "type")]
    kind: String,
    /// As git writes it; `120000` is a symlink.
    mode: String,
}

pub(super) async fn files(
    call: &Call<'_>,
    repo: &RepoRef,
    commit: &Oid,
    path: &str,
) -> Result<BTreeMap<String, Vec<u8>>, ForgeError> {
    let root = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/");
    let what = format!("the folder `{root}` of {repo}");
    let mut found = Vec::new();
    let too_many = call
        .find(Tree { repo, commit, path: &root }, &what, |entry: Entry| {
            if entry.kind == "blob" && entry.mode != "120000" {
                found.push(entry.path);
            }
            Folder::admit(found.len()).err()
        })
        .await?;
    if let Some(error) = too_many {
        return Err(error);
    }
    let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
    let read = stream::iter(found).map(|path| async move {
        let content = raw(call, repo, commit, &path).await?;
        Ok::<_, ForgeError>((path, content))
    });
    let mut read = read.buffer_unordered(AT_ONCE);
    let mut folder = Folder::default();
    while let Some((path, content)) = read.try_next().await? {
        folder.add(path.strip_prefix(&prefix).unwrap_or(&path).to_owned(), content)?;
    }
    Ok(folder.files())
}

async fn raw(call: &Call<'_>, repo: &RepoRef, commit: &Oid, path: &str) -> Result<Vec<u8>, ForgeError> {
    let endpoint =
        FileRaw::builder().project(repo.path.as_str()).file_path(path).ref_(commit.as_str()).build();
    let read = gitlab::api::raw(built(endpoint)?).query_async(call).await;
    read.map_err(|error| outcome::of(error, Kind::Read, &format!("the file `{path}` of {repo}")))
}
