//! Accepts connections and serves HTTP/1.1, and can close one without an answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// On a response: do not send it, reset the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResetConnection;

/// The root of the REST interface as the caller addressed it.
#[derive(Debug, Clone)]
pub(crate) struct ApiRoot(pub String);

/// The error that makes hyper drop a connection.
#[derive(Debug, thiserror::Error)]
#[error("reset on order")]
struct Reset;

/// Serves until `stop`; connections that are open then are dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    url: String,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let url: Arc<str> = url.into();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // An accept that fails (too many open files) concerns that connection alone.
        let Ok((stream, _)) = accepted else { continue };
        let (router, url, stop) = (router.clone(), Arc::clone(&url), stop.clone());
        tasks.spawn(async move {
            let connection = pin!(handle(stream, router, &url));
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection => {}
            }
        });
    }
}

async fn handle(stream: TcpStream, router: Router, url: &str) {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let request = address(request.map(Body::new), url);
        let answer = async move {
            let answer: Result<Response<Body>, Infallible> = router.oneshot(request).await;
            match answer {
                Ok(response) if response.extensions().get::<ResetConnection>().is_some() => Err(Reset),
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        };
        Box::pin(answer) as Pin<Box<dyn Future<Output = Result<Response<Body>, Reset>> + Send>>
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let outcome = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner();
    match outcome {
        // With no linger the kernel sends RST instead of FIN.
        Err(error) if error.is_user() => drop(stream.set_zero_linger()),
        _ => drop(stream.shutdown().await),
    }
}

/// Takes `/api/v3` (the root on GitHub Enterprise Server) off the path and remembers it.
fn address(mut request: Request<Body>, url: &str) -> Request<Body> {
    let mut root = url.to_owned();
    let rest = request.uri().path_and_query().and_then(|p| p.as_str().strip_prefix("/api/v3"));
    let rest = rest
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        .map(|rest| if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") });
    if let Some(uri) = rest.and_then(|rest| rest.parse::<Uri>().ok()) {
        root.push_str("/api/v3");
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(ApiRoot(root));
    request
}
