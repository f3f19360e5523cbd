//! Real git through a relay that forwards with [`GitHttp`], as the git gate does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use forge::git_http::{GitHttp, GitRequest};
use forge::{Forge, ForgeError, GitEndpoint};
use forge_sim::{Fault, FaultOrder};
use futures_util::{TryStreamExt, stream};
use http::{HeaderMap, Method};
use tokio::net::TcpListener;

use super::support::{World, connect, git, git_ok, token};

async fn relay(State(endpoint): State<Arc<GitEndpoint>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let request = GitRequest { method: parts.method, path, headers: parts.headers };
    match GitHttp::new().forward(&endpoint, request, body.into_data_stream()).await {
        Ok(answer) => answer.map(Body::from_stream).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// A relay to the world's repository; its address.
async fn start(world: &World) -> String {
    let endpoint = world.github.git(&world.repo).await.unwrap();
    let router =
        Router::new().fallback(relay).layer(DefaultBodyLimit::disable()).with_state(Arc::new(endpoint));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn push_something(url: &str, folder: &Path, branch: &str) -> String {
    git_ok(folder, &["clone", "--quiet", url, "."]).await;
    // Several packets and more than git's post buffer: chunked, after a probe.
    let noise: Vec<u8> =
        (0..3_000_000_u64).map(|n| (n.wrapping_mul(n) >> 7) as u8 ^ (n >> 3) as u8).collect();
    std::fs::write(folder.join("noise"), noise).unwrap();
    git_ok(folder, &["checkout", "--quiet", "-b", branch]).await;
    git_ok(folder, &["add", "--all"]).await;
    git_ok(folder, &["commit", "--quiet", "-m", "Noise"]).await;
    git_ok(folder, &["-c", "core.compression=0", "push", "--quiet", "origin", branch]).await;
    git_ok(folder, &["rev-parse", "HEAD"]).await
}

#[tokio::test]
async fn clone_push_and_fetch_through_the_relay() {
    for world in [World::start().await, World::as_app().await] {
        let url = start(&world).await;
        let folder = tempfile::tempdir().unwrap();
        let head = push_something(&url, folder.path(), "pullwright/1").await;
        assert_eq!(world.sim.branch("acme", "api", "pullwright/1").await, Some(head));
        // Many wants and haves: git compresses such a request.
        for n in 0..60 {
            world.branch(&format!("many/{n}")).await;
        }
        for version in ["protocol.version=0", "protocol.version=2"] {
            let other = tempfile::tempdir().unwrap();
            git_ok(other.path(), &["-c", version, "clone", "--quiet", &url, "."]).await;
            assert_eq!(std::fs::read(other.path().join("README.md")).unwrap(), b"hello\n");
        }
        git_ok(folder.path(), &["fetch", "--quiet", "--all"]).await;
    }
}

#[tokio::test]
async fn what_the_forge_refuses_is_told() {
    let world = World::start().await;
    let ask = async |endpoint: &GitEndpoint, method: Method, path: &str| {
        let request = GitRequest { method, path: path.to_owned(), headers: HeaderMap::new() };
        let body = stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"0000"))]);
        GitHttp::new().forward(endpoint, request, body).await.map(|_| ())
    };
    let refs = "/info/refs?service=git-receive-pack";
    let wrong = connect(&world.sim.url, token("wrong")).git(&world.repo).await.unwrap();
    assert_eq!(ask(&wrong, Method::GET, refs).await, Err(ForgeError::CredentialRefused));
    let endpoint = world.github.git(&world.repo).await.unwrap();
    assert_eq!(ask(&endpoint, Method::GET, refs).await, Ok(()));
    for (status, read, write) in
        [(404, "NotFound", "NotFound"), (500, "Unavailable", "Unclear"), (403, "Forbidden", "Forbidden")]
    {
        let order = FaultOrder::once("*", "*/acme/api.git/*", Fault::Status { status }).times(2);
        world.sim.fault(order).unwrap();
        let error = ask(&endpoint, Method::GET, refs).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(read), "{error:?}");
        let error = ask(&endpoint, Method::POST, "/git-receive-pack").await.unwrap_err();
        assert!(format!("{error:?}").starts_with(write), "{error:?}");
    }
    world.fault("POST", "*/git-receive-pack", Fault::CommitThenReset);
    let error = ask(&endpoint, Method::POST, "/git-receive-pack").await.unwrap_err();
    assert!(matches!(error, ForgeError::Unclear { .. }), "{error:?}");
}

#[tokio::test]
async fn a_forge_that_stands_still_is_given_up() {
    let world = World::start().await;
    let endpoint = world.github.git(&world.repo).await.unwrap();
    let impatient = GitHttp::with_idle_timeout(Duration::from_millis(200));
    let send = async |method: Method, path: &str| {
        world.fault("*", "*", Fault::Delay { ms: 600_000 });
        let request = GitRequest { method, path: path.to_owned(), headers: HeaderMap::new() };
        let body = stream::empty::<Result<bytes::Bytes, std::io::Error>>();
        impatient.forward(&endpoint, request, body).await.map(|_| ()).unwrap_err()
    };
    let read = send(Method::GET, "/info/refs?service=git-upload-pack").await;
    assert!(matches!(read, ForgeError::Unavailable { .. }), "{read:?}");
    let write = send(Method::POST, "/git-receive-pack").await;
    assert!(matches!(write, ForgeError::Unclear { .. }), "{write:?}");
}

/// An upload may take longer than the patience, as long as it moves; the answer may have begun.
#[tokio::test]
async fn a_slow_upload_is_not_idle() {
    let world = World::start().await;
    let endpoint = world.github.git(&world.repo).await.unwrap();
    let headers = [("content-type", "application/x-git-upload-pack-request"), ("git-protocol", "version=2")];
    let headers = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
    let request = GitRequest { method: Method::POST, path: "/git-upload-pack".to_owned(), headers };
    // `ls-refs` of protocol v2, packet by packet.
    let packets = ["0014command=ls-refs\n", "0001", "0009peel\n", "000csymrefs\n", "0000"];
    let slow = stream::unfold(packets.into_iter(), |mut rest| async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let next = rest.next()?;
        Some((Ok::<_, std::io::Error>(bytes::Bytes::from_static(next.as_bytes())), rest))
    });
    let patience = GitHttp::with_idle_timeout(Duration::from_millis(400));
    let answer = patience.forward(&endpoint, request, slow).await.unwrap();
    let chunks: Vec<bytes::Bytes> = answer.into_body().try_collect().await.unwrap();
    let text = String::from_utf8(chunks.concat()).unwrap();
    assert!(text.contains("refs/heads/main"), "{text}");
}

#[tokio::test]
async fn git_says_what_is_wrong() {
    let world = World::start().await;
    let url = start(&world).await;
    let folder = tempfile::tempdir().unwrap();
    world.fault("GET", "*/info/refs", Fault::Status { status: 500 });
    let output = git(folder.path(), &["clone", &url, "."]).await;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("502"));
}
