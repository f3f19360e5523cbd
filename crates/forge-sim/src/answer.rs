//! Answers in GitHub's shape: error bodies, standard headers, pages.
//!
//! Shapes after <https://docs.github.com/en/rest>.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::bare::GitError;
use crate::world::World;

/// An error as GitHub answers it.
#[derive(Debug)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// The one sentence.
    pub message: String,
    /// The list of a 422.
    pub errors: Vec<Value>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new() }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 422 with one entry; `code` as GitHub's (`invalid`, `missing_field`, `custom`, …).
    pub(crate) fn invalid(resource: &str, field: &str, code: &str, message: Option<String>) -> Self {
        let mut entry = json!({ "resource": resource, "field": field, "code": code });
        if let (Some(text), Some(object)) = (message, entry.as_object_mut()) {
            object.insert("message".into(), text.into());
        }
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, message: "Validation Failed".into(), errors: vec![entry] }
    }
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": self.status.as_str(),
        });
        if let (false, Some(object)) = (self.errors.is_empty(), body.as_object_mut()) {
            object.insert("errors".into(), Value::Array(self.errors));
        }
        (self.status, Json(body)).into_response()
    }
}

/// A JSON request body; what does not fit is answered as GitHub does.
pub(crate) struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
        serde_json::from_value(value).map(Self).map_err(|error| {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid request.\n\n{error}"))
        })
    }
}

/// `per_page` and `page` of a list.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct Paging {
    per_page: Option<usize>,
    page: Option<usize>,
}

impl Paging {
    /// The page asked for (30 entries unless said, at most 100), with its `Link` header.
    pub(crate) fn cut<T: serde::Serialize>(self, base: &str, uri: &Uri, all: Vec<T>) -> Response {
        self.cut_to(base, uri, all, |items| Json(items).into_response())
    }

    /// The same, as an object that holds the list under a name, and how long the whole of it is.
    pub(crate) fn cut_named(
        self,
        base: &str,
        uri: &Uri,
        name: &str,
        all: Vec<serde_json::Value>,
    ) -> Response {
        let total = all.len();
        self.cut_to(base, uri, all, |items| {
            Json(serde_json::json!({ "total_count": total, name: items })).into_response()
        })
    }

    fn cut_to<T>(
        self,
        base: &str,
        uri: &Uri,
        all: Vec<T>,
        answer: impl FnOnce(Vec<T>) -> Response,
    ) -> Response {
        let size = self.per_page.unwrap_or(30).clamp(1, 100);
        let page = self.page.unwrap_or(1).max(1);
        let last = all.len().div_ceil(size).max(1);
        let items: Vec<T> = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
        let mut links = Vec::new();
        let mut link = |number: usize, rel: &str| {
            links.push(format!(
                "<{base}{}?{}>; rel=\"{rel}\"",
                uri.path(),
                query_with(uri, "page", &number.to_string())
            ));
        };
        if page > 1 {
            link((page - 1).min(last), "prev");
        }
        if page < last {
            link(page + 1, "next");
            link(last, "last");
        }
        if page > 1 {
            link(1, "first");
        }
        let mut response = answer(items);
        if let (false, Ok(value)) = (links.is_empty(), HeaderValue::from_str(&links.join(", "))) {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }
}

/// `per_page` and `cursor` of a list that is read from the newest on.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Cursor {
    per_page: Option<usize>,
    cursor: Option<String>,
}

impl Cursor {
    /// The page asked for of `all`, newest first, with its `Link` header; each has an id that falls.
    pub(crate) fn cut<T>(self, base: &str, uri: &Uri, all: Vec<(u64, T)>) -> Result<Response, ApiError>
    where
        T: serde::Serialize,
    {
        let invalid = || ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid cursor");
        let from = match &self.cursor {
            Some(cursor) => cursor.strip_prefix("v1_").and_then(|id| id.parse().ok()).ok_or_else(invalid)?,
            None => u64::MAX,
        };
        let size = self.per_page.unwrap_or(30).clamp(1, 100);
        let mut rest = all.into_iter().skip_while(|(id, _)| *id > from).peekable();
        let items: Vec<T> = rest.by_ref().take(size).map(|(_, item)| item).collect();
        let next = rest.peek().map(|(id, _)| *id);
        let mut response = Json(items).into_response();
        if let Some(id) = next {
            let query = query_with(uri, "cursor", &format!("v1_{id}"));
            let link = format!("<{base}{}?{query}>; rel=\"next\"", uri.path());
            if let Ok(value) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, value);
            }
        }
        Ok(response)
    }
}

/// A query with one of its values replaced.
fn query_with(uri: &Uri, name: &str, value: &str) -> String {
    let query = uri.query().unwrap_or_default();
    let other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(name);
    let kept = query.split('&').filter(other).map(str::to_owned);
    kept.chain([format!("{name}={value}")]).collect::<Vec<_>>().join("&")
}

/// Adds the headers that every answer of GitHub carries.
pub(crate) async fn standard_headers(
    State(world): State<Arc<World>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    // The window starts over before it is used up: limits come by order only.
    let used = world.calls.fetch_add(1, Ordering::Relaxed) % 4999 + 1;
    let now = world.now();
    let headers = response.headers_mut();
    // RFC 9110 section 5.6.7; hyper would take the machine's clock, not ours.
    put(headers, header::DATE, &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    put(headers, header::SERVER, "forge-sim");
    put(headers, HeaderName::from_static("x-github-media-type"), "github.v3; format=json");
    put(headers, HeaderName::from_static("x-ratelimit-limit"), "5000");
    put(headers, HeaderName::from_static("x-ratelimit-remaining"), &(5000 - used).to_string());
    put(headers, HeaderName::from_static("x-ratelimit-used"), &used.to_string());
    put(headers, HeaderName::from_static("x-ratelimit-resource"), "core");
    let reset = now.timestamp() + 3600;
    put(headers, HeaderName::from_static("x-ratelimit-reset"), &reset.to_string());
    response
}

/// Sets a header unless a handler or fault set it before.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.entry(name).or_insert(value);
    }
}
