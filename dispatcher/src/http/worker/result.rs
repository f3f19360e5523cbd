//! Result bundles on the wire: brought and fetched as they are, a few at a time.

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use schemas::control::ControlError;
use schemas::result_bundle::LARGEST;
use schemas::worker_api::{Done, Message};
use schemas::{ControlPlane, Epoch, RunId};
use serde::Deserialize;
use tokio::sync::SemaphorePermit;

use super::identity::Api;
use super::message::{Refusal, answer, whole};
use crate::workers::Known;

/// Bundles in memory at the same time; each may be as large as [`LARGEST`].
pub(super) const AT_ONCE: usize = 4;

#[derive(Debug, Deserialize)]
pub(super) struct Hold {
    epoch: Epoch,
}

pub(super) async fn keep(
    State(api): State<Api>,
    Extension(known): Extension<Known>,
    Path(run): Path<uuid::Uuid>,
    Query(Hold { epoch }): Query<Hold>,
    body: Body,
) -> Result<Json<Message<Done>>, Refusal> {
    let run = RunId(run);
    api.unless_another(&known, run, epoch).await?;
    let _room = room(&api)?;
    let bundle = whole(body, LARGEST).await?;
    api.dispatcher.keep_result(run, epoch, bundle).await?;
    Ok(answer(Done {}))
}

pub(super) async fn fetch(
    State(api): State<Api>,
    Extension(known): Extension<Known>,
    Path(run): Path<uuid::Uuid>,
    Query(Hold { epoch }): Query<Hold>,
) -> Result<Bytes, Refusal> {
    let run = RunId(run);
    api.unless_another(&known, run, epoch).await?;
    let _room = room(&api)?;
    Ok(api.dispatcher.kept_result(run, epoch).await?)
}

/// A worker that finds none asks again: its lease goes on meanwhile.
fn room(api: &Api) -> Result<SemaphorePermit<'_>, ControlError> {
    let full = |_| ControlError::Unavailable { message: "it is busy with other results".to_owned() };
    api.bundles.try_acquire().map_err(full)
}
