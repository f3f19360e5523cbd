//! Who asks: `PRIVATE-TOKEN`, `Bearer`, or for git the password of `Basic`
//! (<https://docs.gitlab.com/api/rest/authentication/>).

use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use super::answer::ApiError;
use super::model::{Item, Project, State, User};
use crate::auth::credential;
use crate::faults::ListLag;
use crate::world::World;

/// One authenticated call.
pub(crate) struct Caller {
    pub world: Arc<World>,
    pub user: User,
    lag: Duration,
}

/// Which of a project's two sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Issues,
    MergeRequests,
}

impl Kind {
    /// The word of a path.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "issues" => Some(Self::Issues),
            "merge_requests" => Some(Self::MergeRequests),
            _ => None,
        }
    }
}

impl Caller {
    /// The user whose token a request carries.
    pub(crate) fn user(world: &World, headers: &HeaderMap) -> Option<User> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text("private-token")
            .map(str::to_owned)
            .or_else(|| credential(text(header::AUTHORIZATION.as_str())?))?;
        let state = world.gitlab();
        state.tokens.get(&token).and_then(|id| state.users.get(id)).cloned()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.world.gitlab()
    }

    /// The project, when the caller has `need` there. Hidden ones are 404, as on GitLab.
    pub(crate) fn enter<'s>(
        &self,
        state: &'s mut State,
        project: &str,
        need: u64,
    ) -> Result<&'s mut Project, ApiError> {
        let project = state.project_mut(project).ok_or_else(|| ApiError::not_found("Project"))?;
        if !project.is_seen_by(self.user.id) {
            return Err(ApiError::not_found("Project"));
        }
        if project.level(self.user.id) < need || (project.archived && need > 10) {
            return Err(ApiError::forbidden());
        }
        Ok(project)
    }

    /// An issue or merge request, when the caller has `need` in its project.
    pub(crate) fn item<'s>(
        &self,
        state: &'s mut State,
        project: &str,
        kind: &str,
        iid: u64,
        need: u64,
    ) -> Result<&'s mut Item, ApiError> {
        let project = self.enter(state, project, need)?;
        match Kind::of(kind) {
            Some(Kind::Issues) => project.issues.get_mut(&iid).ok_or_else(|| ApiError::not_found("Issue")),
            Some(Kind::MergeRequests) => {
                project.merge_requests.get_mut(&iid).ok_or_else(|| ApiError::not_found("Merge Request"))
            }
            None => Err(ApiError::not_found("")),
        }
    }

    /// Whether a list already shows what came into being at `born`.
    pub(crate) fn shows(&self, born: Duration) -> bool {
        self.lag.is_zero() || born + self.lag <= self.world.clock.monotonic()
    }
}

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, ApiError> {
        let user = Self::user(world, &parts.headers)
            .ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "401 Unauthorized"))?;
        let lag = parts.extensions.get::<ListLag>().copied().unwrap_or_default().0;
        Ok(Self { world: Arc::clone(world), user, lag })
    }
}

/// Git's way in: the user name and folder, or a refusal. `None` when this is not GitLab's to answer:
/// there is no such project, or the credential is not from here and GitHub has one of that name.
pub(crate) fn git_access(
    world: &World,
    path: &str,
    push: bool,
    headers: &HeaderMap,
) -> Option<Result<(String, PathBuf), (StatusCode, String)>> {
    let user = Caller::user(world, headers);
    let mut state = world.gitlab();
    let project = state.project_mut(path)?.clone();
    drop(state);
    let (owner, name) = path.rsplit_once('/')?;
    let elsewhere = world.model().repository(owner, name).is_some();
    let Some(user) = user else {
        let message = "HTTP Basic: Access denied".to_owned();
        return (!elsewhere).then_some(Err((StatusCode::UNAUTHORIZED, message)));
    };
    if !project.is_seen_by(user.id) {
        let message = "The project you were looking for could not be found".to_owned();
        return Some(Err((StatusCode::NOT_FOUND, message)));
    }
    if push && (project.level(user.id) < 30 || project.archived) {
        let message = "You are not allowed to push code to this project.".to_owned();
        return Some(Err((StatusCode::FORBIDDEN, message)));
    }
    Some(Ok((user.username, world.gitlab_bare(&project.path).folder().to_owned())))
}
