//! Starting, arranging, reading and stopping a sim from inside a test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use schemas::automation::Permission;
use schemas::{Clock, SystemClock};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::faults::FaultOrder;
use crate::happenings::NewIssue;
use crate::model::{CheckRun, DeliveryRecord, Item, JournalEntry, Model, Repository, Status, Webhook};
use crate::setup::{SetupError, Source};
use crate::world::{AppOptions, World};
use crate::{answer, controls, deliver, faults, git, journal, pages, rest, server};

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
        let (outbox, outgoing) = mpsc::unbounded_channel();
        let world = Arc::new(World {
            model: Mutex::new(Model::default()),
            faults: Mutex::new(Vec::new()),
            clock: options.clock,
            data,
            url: url.clone(),
            login: options.login,
            app: options.app,
            outbox,
            http: reqwest::Client::builder().no_proxy().build().map_err(StartError::Client)?,
            calls: AtomicU64::new(0),
        });
        world.make_user(&world.login, "User", Some(options.token));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let posting = deliver::run(Arc::clone(&world), outgoing);
        let (stopped, router) = (stop.clone(), router(&world));
        tasks.spawn(async move { stopped.run_until_cancelled(posting).await });
        tasks.spawn(server::serve(listener, router, url.clone(), stop.clone(), tasks.clone()));
        Ok(Self { url, world, stop, tasks, _folder: folder })
    }

    /// Stops it and waits until it has.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Makes a repository with these files in one commit on `main`. The token's user is its admin.
    ///
    /// # Errors
    /// When the name is taken or git refuses.
    pub async fn create_repo(
        &self,
        owner: &str,
        name: &str,
        files: &[(&str, &str)],
    ) -> Result<(), SetupError> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        self.world.make_repository(owner, name, Source::Files(files.collect())).await
    }

    /// Makes a repository from a git repository or a plain folder.
    ///
    /// # Errors
    /// When the name is taken or git refuses.
    pub async fn import_repo(&self, owner: &str, name: &str, folder: &Path) -> Result<(), SetupError> {
        self.world.make_repository(owner, name, Source::Folder(folder.to_owned())).await
    }

    /// Changes a repository's flags, labels or anything else.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn change_repo(
        &self,
        owner: &str,
        name: &str,
        change: impl FnOnce(&mut Repository),
    ) -> Result<(), SetupError> {
        let mut model = self.world.model();
        change(model.repository_mut(owner, name).ok_or_else(|| no_repository(owner, name))?);
        Ok(())
    }

    /// Makes sure a user exists and sets what they may do in a repository.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn add_user(
        &self,
        login: &str,
        owner: &str,
        name: &str,
        permission: Permission,
    ) -> Result<(), SetupError> {
        self.world.grant(owner, name, login, permission)
    }

    /// Gives a user a token of their own.
    pub fn add_token(&self, login: &str, token: &str) {
        self.world.make_user(login, "User", Some(token.to_owned()));
    }

    /// Opens an issue as `login`; webhooks follow.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn create_issue(
        &self,
        owner: &str,
        name: &str,
        login: &str,
        title: &str,
        body: &str,
        labels: &[&str],
    ) -> Result<Item, SetupError> {
        let labels = labels.iter().map(|l| (*l).to_owned()).collect();
        let new = NewIssue { title: title.to_owned(), body: Some(body.to_owned()), labels };
        self.world.open_issue(owner, name, new, login).ok_or_else(|| no_repository(owner, name))
    }

    /// Puts a label on an issue as `login`; webhooks follow.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn label_issue(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        label: &str,
        login: &str,
    ) -> Result<(), SetupError> {
        let labels = [label.to_owned()];
        self.world.add_labels(owner, name, number, &labels, login).ok_or_else(|| no_repository(owner, name))
    }

    /// Writes a comment as `login`; webhooks follow. Returns its id.
    ///
    /// # Errors
    /// When there is no such issue or pull request.
    pub fn comment(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        body: &str,
        login: &str,
    ) -> Result<u64, SetupError> {
        let comment = self.world.add_comment(owner, name, number, body, login);
        comment.map(|c| c.id).ok_or_else(|| no_repository(owner, name))
    }

    /// The `issues.labeled` payload of an issue as it stands.
    #[must_use]
    pub fn labeled_payload(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        label: &str,
        sender: &str,
    ) -> Option<Value> {
        self.world.issues_payload(owner, name, number, "labeled", Some(label), sender)
    }

    /// Sends events to `url` from now on, signed with `secret`.
    pub fn add_webhook(&self, url: &str, secret: &str, events: &[&str]) {
        let events = if events.is_empty() { &["*"][..] } else { events };
        self.world.register(Webhook {
            id: 0,
            url: url.to_owned(),
            secret: secret.to_owned(),
            events: events.iter().map(|e| (*e).to_owned()).collect(),
            repository: None,
        });
    }

    /// Orders misbehaviour.
    ///
    /// # Errors
    /// When the path is not a glob.
    pub fn fault(&self, order: FaultOrder) -> Result<(), SetupError> {
        self.world.arm(order)
    }

    /// How many ordered faults have not met all their requests yet.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.world.faults().len()
    }

    /// An issue or pull request.
    #[must_use]
    pub fn issue(&self, owner: &str, name: &str, number: u64) -> Option<Item> {
        self.world.model().repository(owner, name)?.items.get(&number).cloned()
    }

    /// The pull requests, oldest first.
    #[must_use]
    pub fn pulls(&self, owner: &str, name: &str) -> Vec<Item> {
        self.of(owner, name, |r| r.items.values().filter(|i| i.pull.is_some()).cloned().collect())
    }

    /// The commit statuses, oldest first.
    #[must_use]
    pub fn statuses(&self, owner: &str, name: &str) -> Vec<Status> {
        self.of(owner, name, |r| r.statuses.clone())
    }

    /// The check runs, oldest first.
    #[must_use]
    pub fn check_runs(&self, owner: &str, name: &str) -> Vec<CheckRun> {
        self.of(owner, name, |r| r.check_runs.clone())
    }

    /// The newest commit of a branch.
    pub async fn branch(&self, owner: &str, name: &str, branch: &str) -> Option<String> {
        self.world.bare(owner, name).branch(branch).await.ok().flatten()
    }

    /// The bare repository's folder, for git commands of a test.
    #[must_use]
    pub fn bare_repo(&self, owner: &str, name: &str) -> PathBuf {
        self.world.bare(owner, name).folder().to_owned()
    }

    /// Every write request so far.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.world.model().journal.clone()
    }

    /// Every webhook delivery so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.world.model().deliveries.clone()
    }

    fn of<T: Default>(&self, owner: &str, name: &str, part: impl FnOnce(&Repository) -> T) -> T {
        self.world.model().repository(owner, name).map(part).unwrap_or_default()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn no_repository(owner: &str, name: &str) -> SetupError {
    SetupError::NoRepository(format!("{owner}/{name}"))
}

fn router(world: &Arc<World>) -> Router {
    let git = Router::new()
        .route("/{owner}/{name}/info/refs", get(git::info_refs))
        .route("/{owner}/{name}/git-upload-pack", post(git::upload_pack))
        .route("/{owner}/{name}/git-receive-pack", post(git::receive_pack))
        // Packs are as large as they are.
        .layer(DefaultBodyLimit::disable());
    let misbehaving = rest::routes()
        .merge(git)
        .layer(from_fn_with_state(Arc::clone(world), faults::apply))
        .layer(from_fn_with_state(Arc::clone(world), journal::record))
        .layer(from_fn_with_state(Arc::clone(world), answer::standard_headers));
    let pages = Router::new()
        .route("/{owner}/{name}", get(pages::repository))
        .route("/{owner}/{name}/issues/{number}", get(pages::item))
        .route("/{owner}/{name}/pull/{number}", get(pages::item));
    misbehaving.merge(pages).merge(controls::routes()).fallback(not_found).with_state(Arc::clone(world))
}

async fn not_found() -> Response {
    answer::ApiError::not_found().into_response()
}
