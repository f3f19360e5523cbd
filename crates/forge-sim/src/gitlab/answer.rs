//! Answers in GitLab's shape: error bodies, pages, the headers that every answer has.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::bare::GitError;
use crate::world::World;

/// An error as GitLab answers it.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    pub message: Value,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<Value>) -> Self {
        Self { status, message: message.into() }
    }

    /// `what` as in `404 Project Not Found`.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("404 {what} Not Found"))
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "403 Forbidden")
    }

    pub(crate) fn bad(message: impl Into<Value>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "message": self.message }))).into_response()
    }
}

/// A request body, as JSON or as a form.
pub(crate) struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("application/json")) {
            let read = Json::from_request(request, state).await;
            return read.map(|Json(value)| Self(value)).map_err(|e| ApiError::bad(e.body_text()));
        }
        let read = Form::from_request(request, state).await;
        read.map(|Form(value)| Self(value)).map_err(|e| ApiError::bad(e.body_text()))
    }
}

/// `per_page` and `page` of a list (<https://docs.gitlab.com/api/rest/#offset-based-pagination>).
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Paging {
    per_page: Option<usize>,
    page: Option<usize>,
}

impl Paging {
    /// The page asked for, 20 entries unless said and at most 100.
    pub(crate) fn cut(self, base: &str, uri: &Uri, all: Vec<Value>) -> Response {
        let size = self.per_page.unwrap_or(20).clamp(1, 100);
        let page = self.page.unwrap_or(1).max(1);
        let pages = all.len().div_ceil(size).max(1);
        let total = all.len();
        let items: Vec<Value> = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
        let mut response = Json(items).into_response();
        let next = if page < pages { (page + 1).to_string() } else { String::new() };
        let headers = response.headers_mut();
        put(headers, "x-page", &page.to_string());
        put(headers, "x-per-page", &size.to_string());
        put(headers, "x-next-page", &next);
        put(headers, "x-total", &total.to_string());
        put(headers, "x-total-pages", &pages.to_string());
        if !next.is_empty() {
            let kept = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
            let kept = kept.filter(|pair| !pair.starts_with("page=") && !pair.starts_with("per_page="));
            let query: String = kept.map(|pair| format!("{pair}&")).collect();
            let link = format!("<{base}{}?{query}page={next}&per_page={size}>; rel=\"next\"", uri.path());
            put(headers, "link", &link);
        }
        response
    }
}

/// Adds the headers that every answer of GitLab carries.
pub(crate) async fn standard_headers(
    State(world): State<Arc<World>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let now = world.now();
    let headers = response.headers_mut();
    // RFC 9110 section 5.6.7; hyper would take the machine's clock, not ours.
    put(headers, "date", &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    put(headers, "server", "forge-sim");
    put(headers, "ratelimit-limit", "2000");
    put(headers, "ratelimit-remaining", "1999");
    put(headers, "ratelimit-reset", &(now.timestamp() + 60).to_string());
    response
}

/// Sets a header unless a handler or fault set it before.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.entry(HeaderName::from_static(name)).or_insert(value);
    }
}
