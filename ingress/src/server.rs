//! The accept loop: bounded connections, bounded waiting, an orderly end.
//!
//! Not `axum::serve`, which installs no timer: a client could hold a connection by sending a header
//! byte now and then (slowloris). Bodies are bounded by who reads them, see [`crate::body`].

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, RETRY_AFTER};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::Meters;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::open_files;
use crate::places::{Holder, Place, Places};
use crate::refusal::error_body;
use crate::watched::{Answering, Receiving};

/// How many connections without a place are told so at once; further ones are closed without a word.
const TURNED_AWAY: usize = 64;
/// How long, and for how many bytes, a connection that was told its last answer is still read from.
const LAST_WORDS: Duration = Duration::from_secs(2);
const LAST_BYTES: u64 = 64 << 20;
/// What who has no place is told.
const NO_PLACE: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    content-length: 45\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"error\":\"too many connections; try again\"}\r\n";

/// How much a listener bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once, or half as many as the process may have open files. A further one gets the
    /// place of the one that lets us wait longest, or 503 when we work for all of them.
    pub connections: usize,
    /// From opening a connection, or from the last answer on it, to the end of a request's header.
    /// So it is also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Bytes of a request's header, at least 8 KiB; more is answered 431.
    pub header_bytes: usize,
}

impl Default for ConnectionLimits {
    /// 4096 connections, 10 s, 64 KiB.
    fn default() -> Self {
        Self { connections: 4096, header_timeout: Duration::from_secs(10), header_bytes: 64 << 10 }
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
    let places = Places::new(open_files::connections_within(limits.connections));
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
    let meters = Meters::global();
    let connections = TaskTracker::new();
    let accept = async {
        loop {
            let (stream, peer) = accept(&listener, &places).await;
            if let Some((place, displaced)) = places.take() {
                if displaced {
                    meters.connection_lost_place("displaced");
                }
                connections.spawn(connection(stream, peer, place, app.clone(), limits, stop.clone()));
            } else if let Ok(permit) = Arc::clone(&turned_away).try_acquire_owned() {
                meters.connection_lost_place("refused");
                let hard = stop.hard.clone();
                connections.spawn(async move {
                    hard.run_until_cancelled(turn_away(stream)).await;
                    drop(permit);
                });
            } else {
                meters.connection_lost_place("closed");
            }
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
async fn accept(listener: &TcpListener, places: &Places) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Mostly too many open files: one less helps, trying again at once would only burn time.
                tracing::error!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                places.displace();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Says 503 to a connection without a place, whatever it asks.
async fn turn_away(mut stream: TcpStream) {
    let told = timeout(LAST_WORDS, stream.write_all(NO_PLACE.as_bytes())).await;
    if matches!(told, Ok(Ok(()))) {
        let_finish(stream).await;
    }
}

/// Waits until a client that was told its last answer has closed, and forgets what it still sends.
/// Closing with unread bytes would reset the connection, maybe before the answer is read.
async fn let_finish(mut stream: TcpStream) {
    let rest = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LAST_BYTES), &mut tokio::io::sink()).await
    };
    // Whatever is left is the client's loss.
    let _ = timeout(LAST_WORDS, rest).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    app: Router,
    limits: ConnectionLimits,
    stop: Stop,
) {
    // Answers are small; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let holder = Arc::clone(&place.0);
    let service = service_fn(move |request| {
        let (app, holder) = (app.clone(), Arc::clone(&holder));
        async move { Ok::<_, Infallible>(answer(app, request, peer, holder).await) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes.max(8 << 10))
        .serve_connection(TokioIo::new(stream), service);
    let result = select! {
        // First, so that a request that has arrived by now is seen before its connection goes.
        biased;
        result = &mut connection => result,
        () = place.0.displaced() => return,
        () = stop.hard.cancelled() => return,
        () = stop.soft.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            select! {
                result = &mut connection => result,
                () = stop.hard.cancelled() => return,
            }
        }
    };
    if let Err(error) = result {
        // The client's doing: it went away, was too slow, or does not speak HTTP.
        tracing::debug!(%peer, error = &error as &dyn std::error::Error, "a connection ended early");
    }
    select! {
        () = let_finish(connection.into_parts().io.into_inner()) => {}
        () = place.0.displaced() => {}
        () = stop.soft.cancelled() => {}
        () = stop.hard.cancelled() => {}
    }
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    holder: Arc<Holder>,
) -> Response<Answering> {
    let response = if holder.work() {
        let mut request = request.map(|body| Receiving::of(body, &holder));
        request.extensions_mut().insert(ConnectInfo(peer));
        app.oneshot(request).await.into_response()
    } else {
        // Its place was given away while its request was on the way.
        let headers = [(RETRY_AFTER, "1"), (CONNECTION, "close")];
        let body = error_body("too many connections; try again");
        (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
    };
    response.map(|body| Answering::new(body, holder))
}

fn after_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message =
        panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(message = message.unwrap_or("no message"), "a request handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, error_body("internal error")).into_response()
}
