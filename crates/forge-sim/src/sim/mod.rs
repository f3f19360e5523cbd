//! Starting and stopping a sim from inside a test; arranging and observing are in their own files.

mod arrange;
mod observe;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use schemas::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gitlab::GitLabSim;
use crate::jira::JiraSim;
use crate::model::Model;
use crate::router::router;
use crate::world::{AppOptions, World};
use crate::{deliver, server};

/// How a sim is set up.
#[derive(Clone)]
pub struct SimOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the bare repositories go; `None` for a folder that goes away with the sim.
    pub data: Option<PathBuf>,
    /// The token that REST and git accept.
    pub token: String,
    /// The account that the token belongs to; admin of every repository made here.
    pub login: String,
    /// The App that the sim knows.
    pub app: AppOptions,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: None,
            token: "sim-token".to_owned(),
            login: "sim-user".to_owned(),
            app: AppOptions::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Why a sim did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// No folder for the repositories.
    #[error("cannot make the data folder")]
    Data(#[source] std::io::Error),
    /// No client for webhooks.
    #[error("cannot make the HTTP client for webhooks")]
    Client(#[source] reqwest::Error),
}

/// A running sim. Dropping it stops it.
pub struct Sim {
    /// `http://address`; the REST root is this, or this with `/api/v3`.
    pub url: String,
    world: Arc<World>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _folder: Option<tempfile::TempDir>,
}

impl Sim {
    /// Starts a sim that listens when this returns.
    ///
    /// # Errors
    /// When the address is taken or the data folder cannot be made.
    pub async fn start(options: SimOptions) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(listen)?);
        let (data, folder) = match options.data {
            Some(data) => (data, None),
            None => {
                let folder = tempfile::tempdir().map_err(StartError::Data)?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        std::fs::create_dir_all(&data).map_err(StartError::Data)?;
        // git is started in other folders.
        let data = data.canonicalize().map_err(StartError::Data)?;
        let (outbox, outgoing) = mpsc::unbounded_channel();
        let world = Arc::new(World {
            model: Mutex::new(Model::default()),
            faults: Mutex::new(Vec::new()),
            gitlab: Mutex::default(),
            jira: Mutex::default(),
            clock: options.clock,
            data,
            url: url.clone(),
            login: options.login,
            app: options.app,
            outbox,
            http: webhook_client()?,
            calls: AtomicU64::new(0),
        });
        world.gitlab_token(&options.token);
        world.make_user(&world.login, "User", Some(options.token));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let posting = deliver::run(Arc::clone(&world), outgoing);
        let (stopped, router) = (stop.clone(), router(&world));
        tasks.spawn(async move { stopped.run_until_cancelled(posting).await });
        tasks.spawn(server::serve(listener, router, url.clone(), stop.clone(), tasks.clone()));
        Ok(Self { url, world, stop, tasks, _folder: folder })
    }

    /// The GitLab at the same address.
    #[must_use]
    pub fn gitlab(&self) -> GitLabSim<'_> {
        GitLabSim { world: &self.world }
    }

    /// The Jira at the same address.
    #[must_use]
    pub fn jira(&self) -> JiraSim<'_> {
        JiraSim { world: &self.world }
    }

    /// Stops it and waits until it has.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// GitHub follows no redirect of a receiver.
fn webhook_client() -> Result<reqwest::Client, StartError> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().map_err(StartError::Client)
}
