//! The worker API on a real listener, and the client that shipped workers use.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::routing::any;
use control_client::{EnterError, RemoteControl};
use dispatcher::Dispatcher;
use schemas::trace::TraceContext;
use schemas::{Clock, WorkerName};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::support::World;

/// A served control plane.
pub struct Served {
    pub url: String,
    router: Router,
}

impl Served {
    pub async fn new(world: &World) -> Self {
        Self::of(Arc::clone(&world.dispatcher)).await
    }

    pub async fn of(dispatcher: Arc<Dispatcher>) -> Self {
        Self::serve(dispatcher::http::worker::control::router(dispatcher)).await
    }

    /// One whose control plane is from before results were kept.
    pub async fn older(world: &World) -> Self {
        let router = dispatcher::http::worker::control::router(Arc::clone(&world.dispatcher));
        let unknown = any(|| std::future::ready(StatusCode::NOT_FOUND));
        let older = Router::new().route("/worker/v1/runs/{run}/result", unknown);
        Self::serve(older.fallback_service(router)).await
    }

    async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, router }
    }

    /// One call as it stands, from the address that the workers call from: status and text.
    pub async fn post(&self, route: &str, bearer: &str, body: impl Into<Body>) -> (u16, String) {
        let request = Request::post(format!("/worker/v1/{route}"))
            .header("authorization", format!("Bearer {bearer}"))
            .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))))
            .body(body.into())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(text.to_vec()).unwrap())
    }
}

/// One worker's machine: its folder outlives its process.
pub struct Machine {
    pub folder: TempDir,
    clock: Arc<dyn Clock>,
    pub wake_up: Arc<Notify>,
    pub heard: Arc<Notify>,
    pub stop: CancellationToken,
}

impl Machine {
    pub fn new(world: &World) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            heard: Arc::default(),
            wake_up: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// With a clock of its own.
    pub fn with_clock(world: &World, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..Self::new(world) }
    }

    pub async fn enter(&self, served: &Served, token: Option<&str>) -> Result<RemoteControl, EnterError> {
        control_client::enter(control_client::Settings {
            url: served.url.clone(),
            ca_file: None,
            credential_file: self.folder.path().join("worker.credential"),
            enrolment: token.map(|token| SecretString::from(token.to_owned())),
            slots: 2,
            software: "pullwright test".to_owned(),
            clock: Arc::clone(&self.clock),
            wake_up: Arc::clone(&self.wake_up),
            heard: Arc::clone(&self.heard),
            stop: self.stop.clone(),
            trace: TraceContext::default,
        })
        .await
    }

    pub fn credential(&self) -> serde_json::Value {
        let text = std::fs::read(self.folder.path().join("worker.credential")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// An enrolled worker.
pub async fn enrolled(world: &World, served: &Served, name: &str) -> (RemoteControl, Machine) {
    let machine = Machine::new(world);
    let token = token(world, name).await;
    let control = machine.enter(served, Some(&token)).await.unwrap();
    (control, machine)
}

pub async fn token(world: &World, name: &str) -> String {
    world.dispatcher.invite_worker(&WorkerName::from(name), None).await.unwrap().token
}

pub const DAY: Duration = Duration::from_secs(24 * 3600);
