//! Remembers every write request, in the order of arrival, with what became of it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer::ApiError;
use crate::auth::Caller;
use crate::faults::Done;
use crate::gitlab;
use crate::model::JournalEntry;
use crate::server::ResetConnection;
use crate::world::World;

/// No JSON body of the interface is larger.
const MAX_JSON: usize = 2 * 1024 * 1024;

/// Journals writes; reads and pack negotiation of fetches pass untouched.
pub(crate) async fn record(State(world): State<Arc<World>>, request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path();
    let fetch = path.ends_with("/git-upload-pack");
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) || fetch {
        return next.run(request).await;
    }
    let login = Caller::from_headers(&world, request.headers()).ok().map(|c| c.login().to_owned());
    let login = login.or_else(|| Some(gitlab::Caller::user(&world, request.headers())?.username));
    let method = request.method().to_string();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let (request, body) = if path.ends_with("/git-receive-pack") {
        (request, None)
    } else {
        let (parts, body) = request.into_parts();
        let Ok(bytes) = to_bytes(body, MAX_JSON).await else {
            return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large").into_response();
        };
        let json = serde_json::from_slice(&bytes).ok();
        (Request::from_parts(parts, Body::from(bytes)), json)
    };
    let seq = {
        let at = world.now();
        let mut model = world.model();
        let seq = model.journal.len();
        let entry = JournalEntry { seq, at, method, path: target, login, body, done: None, answered: None };
        model.journal.push(entry);
        seq
    };
    let response = next.run(request).await;
    let answered = response.status();
    let done = response.extensions().get::<Done>().map_or(Some(answered), |done| done.0);
    let reset = response.extensions().get::<ResetConnection>().is_some();
    if let Some(entry) = world.model().journal.get_mut(seq) {
        entry.done = done.map(|status| status.as_u16());
        entry.answered = (!reset).then_some(answered.as_u16());
    }
    response
}
