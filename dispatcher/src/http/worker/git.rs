//! The git gate: a worker's git reaches its run's repository here, and nothing else.
//!
//! Reading passes for the run's repository. A push passes when it is exactly the one ref, old and
//! new object id that leave was granted for. The forge's credential is added on the way out and
//! never seen by the worker; nothing is stored.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use forge::git_http::{GitHttp, GitRequest};
use futures_util::{Stream, StreamExt, stream};
use schemas::intent::{IntentState, Write};
use schemas::run::{RunState, Step};
use schemas::{RepoRef, RunId};
use serde::Deserialize;

use super::push_commands::{self, PushCommand};
use crate::Dispatcher;

#[derive(Clone)]
struct Gate {
    dispatcher: Arc<Dispatcher>,
    upstream: Arc<GitHttp>,
}

/// The gate's routes below `/worker/v1/git`.
pub fn router(dispatcher: Arc<Dispatcher>, upstream: GitHttp) -> Router {
    let gate = Gate { dispatcher, upstream: Arc::new(upstream) };
    Router::new()
        .route("/worker/v1/git/{run}/info/refs", get(info_refs))
        .route("/worker/v1/git/{run}/git-upload-pack", post(upload_pack))
        .route("/worker/v1/git/{run}/git-receive-pack", post(receive_pack))
        .layer(DefaultBodyLimit::disable())
        .with_state(gate)
}

/// A request that does not pass; the sentence is what `git` prints.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.0, format!("{}\n", self.1)).into_response();
        if self.0 == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Bearer realm=\"pullwright\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn refuse(status: StatusCode, sentence: impl Into<String>) -> Refusal {
    Refusal(status, sentence.into())
}

#[derive(Deserialize)]
struct Service {
    service: Option<String>,
}

async fn info_refs(
    State(gate): State<Gate>,
    Path(run): Path<uuid::Uuid>,
    Query(Service { service }): Query<Service>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let access = gate.access(RunId(run), &headers).await?;
    match service.as_deref() {
        Some("git-upload-pack") => {}
        Some("git-receive-pack") => {
            access.grant()?;
        }
        _ => return Err(refuse(StatusCode::FORBIDDEN, "only smart HTTP passes here")),
    }
    let path = format!("/info/refs?service={}", service.unwrap_or_default());
    gate.forward(&access, Method::GET, path, headers, stream::empty::<Result<Bytes, std::io::Error>>()).await
}

async fn upload_pack(
    State(gate): State<Gate>,
    Path(run): Path<uuid::Uuid>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let access = gate.access(RunId(run), &headers).await?;
    gate.forward(&access, Method::POST, "/git-upload-pack".to_owned(), headers, body.into_data_stream()).await
}

async fn receive_pack(
    State(gate): State<Gate>,
    Path(run): Path<uuid::Uuid>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let access = gate.access(RunId(run), &headers).await?;
    let granted = access.grant()?;
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a push is not compressed"));
    }
    let mut body = body.into_data_stream();
    let start = push_commands::read(&mut body)
        .await
        .map_err(|malformed| refuse(StatusCode::BAD_REQUEST, malformed.to_string()))?;
    match start.commands.as_slice() {
        // The probe that git sends before a large push carries nothing.
        [] if start.read.as_ref() == b"0000" => {
            let probe = stream::iter([Ok::<_, axum::Error>(start.read)]);
            return gate.forward(&access, Method::POST, "/git-receive-pack".to_owned(), headers, probe).await;
        }
        [command] if command == granted => {}
        _ => {
            tracing::warn!(run = %access.run, "a push other than the granted one was refused");
            return Err(refuse(StatusCode::FORBIDDEN, "this push is not the one that leave was granted for"));
        }
    }
    let whole = stream::iter([Ok(start.read)]).chain(body);
    gate.forward(&access, Method::POST, "/git-receive-pack".to_owned(), headers, whole).await
}

/// What one request may do.
struct Access {
    run: RunId,
    repository: RepoRef,
    granted: Option<PushCommand>,
}

impl Access {
    fn grant(&self) -> Result<&PushCommand, Refusal> {
        self.granted.as_ref().ok_or_else(|| refuse(StatusCode::FORBIDDEN, "no push was granted to this run"))
    }
}

impl Gate {
    async fn access(&self, run: RunId, headers: &HeaderMap) -> Result<Access, Refusal> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let unknown = || refuse(StatusCode::UNAUTHORIZED, "this run's token is needed");
        let key = &self.dispatcher.settings.gate_key;
        let epoch = token.and_then(|token| key.check(run, token)).ok_or_else(unknown)?;
        let down = |_| refuse(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer");
        let record = self.dispatcher.store.run(run).await.map_err(down)?.ok_or_else(unknown)?;
        match record.run.state {
            RunState::Active { epoch: current, step } if current == epoch && step < Step::Publish => {}
            _ => return Err(refuse(StatusCode::CONFLICT, "the run belongs to somebody else now")),
        }
        let intents = self.dispatcher.store.intents_of(run).await.map_err(down)?;
        let granted = intents.into_iter().find_map(|intent| match intent.write {
            Write::Push { reference, old, new }
                if intent.epoch == epoch && intent.state == IntentState::Calling =>
            {
                Some(PushCommand { old, new, reference })
            }
            _ => None,
        });
        Ok(Access { run, repository: record.run.repository, granted })
    }

    async fn forward<S, E>(
        &self,
        access: &Access,
        method: Method,
        path: String,
        headers: HeaderMap,
        body: S,
    ) -> Result<Response, Refusal>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let refused = |error: forge::ForgeError| match error {
            forge::ForgeError::NotFound { .. } => {
                refuse(StatusCode::NOT_FOUND, "the repository was not found")
            }
            error => {
                tracing::warn!(run = %access.run, %error, "git traffic did not pass");
                refuse(StatusCode::BAD_GATEWAY, "the forge does not answer")
            }
        };
        let forge = self.dispatcher.forge(&access.repository.connection).map_err(refused)?;
        let endpoint = forge.git(&access.repository).await.map_err(refused)?;
        let request = GitRequest { method, path, headers };
        let answer = self.upstream.forward(&endpoint, request, body).await.map_err(refused)?;
        Ok(answer.map(Body::from_stream).into_response())
    }
}
