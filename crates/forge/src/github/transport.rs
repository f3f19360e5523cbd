//! Octocrab on our own HTTP client, with no layer that retries or follows redirects.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{ACCEPT, HeaderName};
use http::{HeaderValue, Request, Response, Uri};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tower::service_fn;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request that would have left the configured origin.
#[derive(Debug, thiserror::Error)]
#[error("a request to another origin was refused")]
pub(super) struct ForeignOrigin;

/// An API client for `base`. It spawns a task, so it needs a runtime.
pub(super) fn octocrab(base: &Uri, client: reqwest::Client, auth: AuthState) -> Octocrab {
    let origin = base.clone();
    let service = service_fn(move |request| send(client.clone(), origin.clone(), request));
    let headers = vec![
        (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
    ];
    let built: Result<Octocrab, Infallible> = OctocrabBuilder::new_empty()
        .with_service(service)
        .with_layer(&BaseUriLayer::new(base.clone()))
        .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
        .with_auth(auth)
        .build();
    match built {
        Ok(octocrab) => octocrab,
        Err(never) => match never {},
    }
}

async fn send(
    client: reqwest::Client,
    origin: Uri,
    request: Request<OctoBody>,
) -> Result<Response<reqwest::Body>, BoxError> {
    let uri = request.uri();
    if uri.scheme() != origin.scheme() || uri.authority() != origin.authority() {
        return Err(ForeignOrigin.into());
    }
    let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap))?;
    Ok(client.execute(request).await?.into())
}
