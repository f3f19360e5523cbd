//! Misbehaviour on order: the next requests that match a method and a path go wrong in a given way.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::server::ResetConnection;
use crate::world::World;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Answer `status`; nothing is done.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// Do it, then answer `status` all the same.
    CommitThenStatus {
        /// HTTP status.
        status: u16,
    },
    /// Do it, then close the connection without an answer.
    CommitThenReset,
    /// Close the connection; nothing is done.
    Reset,
    /// Wait, then do it and answer.
    #[serde(rename = "delay_ms")]
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Do it, then wait before the answer.
    CommitThenDelay {
        /// Milliseconds.
        ms: u64,
    },
    /// The primary rate limit: 403 or 429 with `x-ratelimit-remaining: 0`; nothing is done.
    RateLimited {
        /// Seconds of the `retry-after` header, where it is sent.
        #[serde(default)]
        retry_after: Option<u64>,
        /// 403 unless said.
        #[serde(default = "forbidden")]
        status: u16,
    },
    /// The secondary rate limit: 403 that only its message tells from a refusal; nothing is done.
    Secondary {
        /// Seconds of the `retry-after` header, where it is sent.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Webhooks do not get through: no connection comes about. Meets deliveries (method `POST`, the
    /// path of the receiver) instead of requests.
    TargetDown,
    /// Lists do not show what is younger than this.
    #[serde(rename = "list_lag_ms")]
    ListLag {
        /// Milliseconds.
        ms: u64,
    },
}

fn forbidden() -> u16 {
    403
}

/// A fault and the requests it meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultOrder {
    /// The method, `*` for any.
    #[serde(default = "any")]
    pub method: String,
    /// The path without `/api/v3`, as a glob whose `*` also matches `/`.
    #[serde(default = "any")]
    pub path: String,
    /// How many requests it meets.
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching requests it lets through before.
    #[serde(default)]
    pub skip: u32,
    /// What goes wrong.
    pub fault: Fault,
}

fn any() -> String {
    "*".to_owned()
}

fn once() -> u32 {
    1
}

impl FaultOrder {
    /// `fault` for the next request with this method and path.
    #[must_use]
    pub fn once(method: &str, path: &str, fault: Fault) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), times: 1, skip: 0, fault }
    }

    /// `fault` for the next `times` such requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// An order that is in force.
pub(crate) struct Armed {
    pub order: FaultOrder,
    matcher: GlobMatcher,
}

impl Armed {
    pub(crate) fn new(order: FaultOrder) -> Result<Self, globset::Error> {
        let matcher = Glob::new(&order.path)?.compile_matcher();
        Ok(Self { order, matcher })
    }

    /// Whether it is about what we send, not about what we are asked.
    fn is_outgoing(&self) -> bool {
        self.order.fault == Fault::TargetDown
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        let method_ok = self.order.method == "*" || self.order.method.eq_ignore_ascii_case(method);
        method_ok && self.matcher.is_match(path)
    }
}

/// How long lists lag behind, for the handlers of lists.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ListLag(pub Duration);

/// The status of what was really done, when the answer says something else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done(pub Option<StatusCode>);

/// Whether a delivery to `url` is ordered to fail.
pub(crate) fn target_is_down(world: &World, url: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    take(world, true, "POST", path.unwrap_or("/")).is_some()
}

fn take(world: &World, outgoing: bool, method: &str, path: &str) -> Option<Fault> {
    let mut faults = world.faults();
    let position =
        faults.iter().position(|armed| armed.is_outgoing() == outgoing && armed.meets(method, path))?;
    let armed = faults.get_mut(position)?;
    if armed.order.skip > 0 {
        armed.order.skip -= 1;
        return None;
    }
    let fault = armed.order.fault.clone();
    armed.order.times = armed.order.times.saturating_sub(1);
    if armed.order.times == 0 {
        faults.remove(position);
    }
    Some(fault)
}

/// Applies the first order that meets a request.
pub(crate) async fn apply(
    State(world): State<Arc<World>>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let Some(fault) = take(&world, false, request.method().as_str(), path) else {
        return next.run(request).await;
    };
    match fault {
        Fault::Status { status } => not_done(failure(status)),
        Fault::Reset | Fault::TargetDown => not_done(reset()),
        Fault::RateLimited { retry_after, status } => {
            let message = "API rate limit exceeded for user ID 1.";
            let mut response = not_done(error(code(status), message));
            let zero = HeaderValue::from_static("0");
            response.headers_mut().insert(HeaderName::from_static("x-ratelimit-remaining"), zero);
            wait_header(&mut response, retry_after);
            response
        }
        Fault::Secondary { retry_after } => {
            let message =
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            let mut response = not_done(error(StatusCode::FORBIDDEN, message));
            wait_header(&mut response, retry_after);
            response
        }
        Fault::CommitThenStatus { status } => {
            let done = next.run(request).await.status();
            done_then(failure(status), done)
        }
        Fault::CommitThenReset => {
            let done = next.run(request).await.status();
            done_then(reset(), done)
        }
        Fault::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(request).await
        }
        Fault::CommitThenDelay { ms } => {
            let response = next.run(request).await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response
        }
        Fault::ListLag { ms } => {
            request.extensions_mut().insert(ListLag(Duration::from_millis(ms)));
            next.run(request).await
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn failure(status: u16) -> Response {
    let status = code(status);
    error(status, status.canonical_reason().unwrap_or("Error"))
}

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest" });
    (status, Json(body)).into_response()
}

fn reset() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(ResetConnection);
    response
}

fn not_done(mut response: Response) -> Response {
    response.extensions_mut().insert(Done(None));
    response
}

fn done_then(mut response: Response, done: StatusCode) -> Response {
    response.extensions_mut().insert(Done(Some(done)));
    response
}

fn wait_header(response: &mut Response, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}
