//! What every REST handler starts from: the world, the caller, and how the caller addressed us.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemas::automation::Permission;
use serde_json::Value;

use crate::answer::ApiError;
use crate::auth::Caller;
use crate::faults::ListLag;
use crate::model::{Item, Model, Repository};
use crate::render::Render;
use crate::server::ApiRoot;
use crate::world::World;

/// One authenticated call.
pub(crate) struct Call {
    pub world: Arc<World>,
    pub caller: Caller,
    pub api: String,
    lag: Duration,
}

/// `{owner}/{name}` of a path.
pub(crate) type RepoPath = (String, String);

impl Call {
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.world.model()
    }

    /// See [`Caller::enter`].
    pub(crate) fn enter<'m>(
        &self,
        model: &'m mut Model,
        (owner, name): (&str, &str),
        need: Permission,
    ) -> Result<&'m mut Repository, ApiError> {
        self.caller.enter(model, owner, name, need)
    }

    /// The issue or pull request `number`, for a caller who may do `need`.
    pub(crate) fn item<'m>(
        &self,
        model: &'m mut Model,
        path: (&str, &str),
        number: u64,
        need: Permission,
    ) -> Result<&'m mut Item, ApiError> {
        self.enter(model, path, need)?.items.get_mut(&number).ok_or_else(ApiError::not_found)
    }

    /// Renders one thing of a repository, with the addresses the caller used.
    pub(crate) fn render(
        &self,
        model: &Model,
        (owner, name): (&str, &str),
        one: impl FnOnce(&Render<'_>, &Repository) -> Value,
    ) -> Result<Value, ApiError> {
        let render = self.renderer(model);
        let repo = model.repository(owner, name).ok_or_else(ApiError::not_found)?;
        Ok(one(&render, repo))
    }

    pub(crate) fn renderer<'a>(&'a self, model: &'a Model) -> Render<'a> {
        Render { model, app: &self.world.app, html: &self.world.url, api: &self.api }
    }

    /// Whether a list already shows what came into being at `born`.
    pub(crate) fn shows(&self, born: Duration) -> bool {
        self.lag.is_zero() || born + self.lag <= self.world.clock.monotonic()
    }
}

impl FromRequestParts<Arc<World>> for Call {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, ApiError> {
        let caller = Caller::from_headers(world, &parts.headers)?;
        let api = parts.extensions.get::<ApiRoot>().map_or_else(|| world.url.clone(), |root| root.0.clone());
        let lag = parts.extensions.get::<ListLag>().copied().unwrap_or_default().0;
        Ok(Self { world: Arc::clone(world), caller, api, lag })
    }
}
