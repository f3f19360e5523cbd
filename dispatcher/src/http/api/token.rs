//! The bearer token that every call needs.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::ApiError;

/// The token's hash; the token itself is not kept.
#[derive(Clone)]
pub struct AdminToken(Arc<[u8; 32]>);

impl AdminToken {
    /// Takes the token that callers have to show.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(Arc::new(Sha256::digest(token.as_bytes()).into()))
    }

    /// Compares hashes, so that neither content nor length shows in the time it takes.
    fn admits(&self, shown: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown.as_bytes()).into();
        self.0.as_ref().ct_eq(&shown).into()
    }
}

pub(super) async fn require(State(token): State<AdminToken>, request: Request, next: Next) -> Response {
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if shown.is_some_and(|shown| token.admits(shown)) {
        return next.run(request).await;
    }
    let sentence = "a bearer token is needed; `pullwright up` wrote it to admin.token in its data folder";
    ApiError::new(StatusCode::UNAUTHORIZED, sentence).into_response()
}
