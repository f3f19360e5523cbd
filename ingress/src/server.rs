//! The accept loop: bounded connections, bounded waiting, an orderly end.
//!
//! Not `axum::serve`, which installs no timer: a client could hold a connection by sending a header
//! byte now and then (slowloris). Bodies are bounded by who reads them, see [`crate::body`].

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::refusal::error_body;

/// How much a listener bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once; further ones wait in the system's backlog.
    pub connections: usize,
    /// From opening a connection, or from the last answer on it, to the end of a request's header.
    /// So it is also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Bytes of a request's header, at least 8 KiB; more is answered 431.
    pub header_bytes: usize,
}

impl Default for ConnectionLimits {
    /// 1024 connections, 10 s, 64 KiB.
    fn default() -> Self {
        Self { connections: 1024, header_timeout: Duration::from_secs(10), header_bytes: 64 << 10 }
    }
}

/// How a listener is told to end.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Take no new request; finish those that run.
    pub soft: CancellationToken,
    /// Drop what still runs.
    pub hard: CancellationToken,
}

/// Serves `app` on `listener` until told to stop; returns when the last connection is closed.
///
/// Handlers find the peer's address as [`ConnectInfo<SocketAddr>`]. A handler that panics is
/// answered 500 and harms nobody else.
pub async fn serve(listener: TcpListener, app: Router, limits: ConnectionLimits, stop: Stop) {
    let app = app.layer(CatchPanicLayer::custom(after_panic));
    let slots = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let accept = async {
        // Waiting for a slot before accepting: a sender would rather wait than be turned away.
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let (stream, peer) = accept(&listener).await;
            let connection = connection(stream, peer, app.clone(), limits, stop.clone());
            connections.spawn(async move {
                connection.await;
                drop(slot);
            });
        }
    };
    select! {
        () = accept => {}
        () = stop.soft.cancelled() => {}
        () = stop.hard.cancelled() => {}
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection; a failure to accept is waited out.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Mostly too many open files: trying again at once would only burn time.
                tracing::error!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Router, limits: ConnectionLimits, stop: Stop) {
    // Answers are small; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.oneshot(request.map(Body::new)).await.into_response()) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.header_bytes.max(8 << 10))
            .serve_connection(TokioIo::new(stream), service)
    );
    let result = select! {
        result = connection.as_mut() => result,
        () = stop.hard.cancelled() => return,
        () = stop.soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            select! {
                result = connection => result,
                () = stop.hard.cancelled() => return,
            }
        }
    };
    if let Err(error) = result {
        // The client's doing: it went away, was too slow, or does not speak HTTP.
        tracing::debug!(%peer, error = &error as &dyn std::error::Error, "a connection ended early");
    }
}

fn after_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message =
        panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(message = message.unwrap_or("no message"), "a request handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, error_body("internal error")).into_response()
}
