//! One call of the trait: its deadline, its credential, and its requests one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use octocrab::{Octocrab, Page};
use schemas::RepoRef;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::outcome::{self, Kind};
use super::route::Route;
use super::{Access, GitHub};
use crate::ForgeError;

/// No call takes longer, however many requests it makes.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The largest page that GitHub makes.
const PAGE: &str = "100";

/// A call under way.
pub(super) struct Call<'a> {
    pub github: &'a GitHub,
    /// Whether a write has been sent and not been answered yet.
    writing: AtomicBool,
}

impl<'a> Call<'a> {
    pub(super) fn new(github: &'a GitHub) -> Self {
        Self { github, writing: AtomicBool::new(false) }
    }

    /// Runs the call's work within its limit.
    pub(super) async fn limit<T>(
        &self,
        work: impl Future<Output = Result<T, ForgeError>>,
    ) -> Result<T, ForgeError> {
        match tokio::time::timeout(LIMIT, work).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("no answer within {} s", LIMIT.as_secs());
                Err(if self.writing.load(Ordering::Relaxed) {
                    ForgeError::Unclear { message }
                } else {
                    ForgeError::Unavailable { message }
                })
            }
        }
    }

    /// The client to use for a repository, its token fresh.
    pub(super) async fn api(&self, repo: &RepoRef) -> Result<Arc<Octocrab>, ForgeError> {
        match &self.github.access {
            Access::Token { api, .. } => Ok(Arc::clone(api)),
            Access::App { installations, .. } => Ok(installations.of(repo).await?.api),
        }
    }

    /// Reads one thing.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        api: &Octocrab,
        route: &Route,
        what: &str,
    ) -> Result<T, ForgeError> {
        api.get(route.as_str(), None::<&()>).await.map_err(|error| outcome::of(error, Kind::Read, what))
    }

    /// Reads a list page by page until `pick` finds something, or to its end.
    pub(super) async fn find<T: DeserializeOwned, R>(
        &self,
        api: &Octocrab,
        route: &Route,
        what: &str,
        mut pick: impl FnMut(T) -> Option<R>,
    ) -> Result<Option<R>, ForgeError> {
        for number in 1_u32.. {
            // Our own page numbers, not the addresses of the `Link` header: those are the forge's word.
            let page = route.clone().query(&[("per_page", PAGE), ("page", &number.to_string())]);
            let read = |error| outcome::of(error, Kind::Read, what);
            let page: Page<T> = api.get(page.as_str(), None::<&()>).await.map_err(read)?;
            let last = page.next.is_none();
            if let Some(found) = page.items.into_iter().find_map(&mut pick) {
                return Ok(Some(found));
            }
            if last {
                break;
            }
        }
        Ok(None)
    }

    /// Reads a whole list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        api: &Octocrab,
        route: &Route,
        what: &str,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        let keep = |item| {
            all.push(item);
            None::<()>
        };
        self.find(api, route, what, keep).await?;
        Ok(all)
    }

    /// Asks for something that is done later; what the answer holds does not matter.
    pub(super) async fn accepted(&self, api: &Octocrab, route: &Route, what: &str) -> Result<(), ForgeError> {
        self.writing.store(true, Ordering::Relaxed);
        let answer = match api._post(route.as_str(), None::<&()>).await {
            Ok(response) => octocrab::map_github_error(response).await.map(drop),
            Err(error) => Err(error),
        };
        self.writing.store(false, Ordering::Relaxed);
        answer.map_err(|error| outcome::of(error, Kind::Write, what))
    }

    /// Writes once; an error says whether it may have happened.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        api: &Octocrab,
        method: Method,
        route: &Route,
        body: Option<&(impl Serialize + Sync)>,
        what: &str,
    ) -> Result<T, ForgeError> {
        self.writing.store(true, Ordering::Relaxed);
        let route = route.as_str();
        let result = match method {
            Method::PATCH => api.patch(route, body).await,
            Method::DELETE => api.delete(route, body).await,
            _ => api.post(route, body).await,
        };
        self.writing.store(false, Ordering::Relaxed);
        result.map_err(|error| outcome::of(error, Kind::Write, what))
    }
}
