//! [`schemas::ControlPlane`] over HTTP, for a worker on a machine of its own.
//!
//! [`enter`] enrols the worker where that is still to be done and says that it is here; the
//! [`RemoteControl`] it returns is the control plane from then on. What goes over the wire is described
//! in [`schemas::worker_api`].

mod control;
mod credential;
mod enter;
mod http;
mod probe;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::trace::TraceContext;
use schemas::{Clock, Pool};
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use credential::Credential;

pub use control::RemoteControl;
pub use enter::{EnterError, enter};
pub use probe::probe;

/// The pool that the worker was in when it was last told; `default` before it enrolled.
#[must_use]
pub fn pool_of(credential_file: &Path) -> Pool {
    Credential::load(credential_file).ok().flatten().map(|kept| kept.pool).unwrap_or_default()
}

/// What a worker has to say of itself, and how it reaches the control plane.
pub struct Settings {
    /// The control plane's address, without a path or with that of a proxy.
    pub url: String,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Where the credential is kept, mode 0600.
    pub credential_file: PathBuf,
    /// The enrolment token, while it may still be needed.
    pub enrolment: Option<SecretString>,
    /// How many runs the worker works on at once.
    pub slots: u32,
    /// What it is: `pullwright 0.1.0`.
    pub software: String,
    /// Where it takes time from.
    pub clock: Arc<dyn Clock>,
    /// Rung when a claim waited in vain: the next one may begin at once.
    pub wake_up: Arc<Notify>,
    /// Rung when there may be work; what is asked for is then asked for anew, as it may be another
    /// dispatcher's that knows of it.
    pub heard: Arc<Notify>,
    /// Ends the waiting for work.
    pub stop: CancellationToken,
    /// The trace that a call belongs to.
    pub trace: fn() -> TraceContext,
}
