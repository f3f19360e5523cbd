//! Credentials stay at their origin.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{Request, StatusCode, header};
use axum::response::IntoResponse;
use forge::git_http::{GitHttp, GitRequest};
use forge::{Forge, ForgeError, GitEndpoint};
use futures_util::stream;
use tokio::net::TcpListener;

use super::support::{connect, repo, token};

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A server that counts its visitors, and one that sends everybody there.
async fn trap() -> (String, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let thief = serve(Router::new().fallback(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { "{}" }
    }))
    .await;
    let redirect = move |request: Request<axum::body::Body>| {
        let status = match request.uri().path() {
            path if path.contains("temporary") => StatusCode::TEMPORARY_REDIRECT,
            _ => StatusCode::MOVED_PERMANENTLY,
        };
        let target = format!("{thief}{}", request.uri());
        async move { (status, [(header::LOCATION, target)]).into_response() }
    };
    (serve(Router::new().fallback(redirect)).await, visits)
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (url, visits) = trap().await;
    let github = connect(&url, token("secret"));
    for name in ["acme/temporary", "acme/permanent"] {
        let read = github.repository(&repo(name)).await;
        assert!(matches!(read, Err(ForgeError::Refused { status: 301 | 307, .. })), "{read:?}");
        let write = github.create_comment(&repo(name), 1, "x").await;
        assert!(matches!(write, Err(ForgeError::Refused { .. })), "{write:?}");
        let endpoint = github.git(&repo(name)).await.unwrap();
        let path = "/info/refs?service=git-upload-pack".to_owned();
        let request = GitRequest { method: http::Method::GET, path, headers: http::HeaderMap::new() };
        let body = stream::empty::<Result<bytes::Bytes, std::io::Error>>();
        let git = GitHttp::new().forward(&endpoint, request, body).await.map(|_| ());
        assert!(matches!(git, Err(ForgeError::Refused { .. })), "{git:?}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_link_to_another_origin_is_not_visited() {
    let (_, visits) = trap().await;
    let thief = serve(Router::new().fallback(|| async { StatusCode::IM_A_TEAPOT })).await;
    let pages = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&pages);
    let router = Router::new().fallback(move |request: Request<axum::body::Body>| {
        let link = format!("<{thief}/next>; rel=\"next\"");
        let user = request.uri().path().ends_with("/user");
        let last = request.uri().query().is_some_and(|q| q.ends_with("page=3"));
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            let json = [(header::CONTENT_TYPE, "application/json".to_owned())];
            match (user, last) {
                (true, _) => (json, "{\"id\":1,\"login\":\"us\"}").into_response(),
                (_, true) => (json, "[]").into_response(),
                _ => ([(header::LINK, link)], "[]").into_response(),
            }
        }
    });
    let github = connect(&serve(router).await, token("secret"));
    assert_eq!(github.find_comment(&repo("acme/api"), 1, "m").await, Ok(None));
    assert_eq!(pages.load(Ordering::SeqCst), 4);
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn only_gits_own_requests_pass() {
    let (url, visits) = trap().await;
    let endpoint = GitEndpoint::new(url, "Basic x".to_owned().into()).unwrap();
    for (method, path) in [
        ("GET", "/info/refs"),
        ("GET", "/info/refs?service=git-upload-archive"),
        ("GET", "/info/refs?service=git-upload-pack&x=1"),
        ("POST", "/info/refs?service=git-upload-pack"),
        ("GET", "/git-receive-pack"),
        ("POST", "/../other.git/git-receive-pack"),
        ("POST", "@127.0.0.1/git-upload-pack"),
        ("GET", "/HEAD"),
    ] {
        let request = GitRequest {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: http::HeaderMap::new(),
        };
        let body = stream::empty::<Result<bytes::Bytes, std::io::Error>>();
        let refused = GitHttp::new().forward(&endpoint, request, body).await.map(|_| ());
        assert!(matches!(refused, Err(ForgeError::Refused { status: 400, .. })), "{path}: {refused:?}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}
