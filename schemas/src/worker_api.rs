//! The worker API on the wire: JSON bodies of `POST` requests below [`ROOT`].
//!
//! Every body is a [`Message`] with the API's version. Within a version fields are only added, and a
//! reader leaves out what it does not know; so the reading side is upgraded first.
//!
//! A [result bundle](crate::result_bundle) alone goes as it is, with `PUT` and `GET` of
//! [`result_route`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::control::{Beat, ControlError, Job, LogLine, Orders};
use crate::id::{Epoch, Pool, RunId, WorkerName};
use crate::report::{ChangeReport, Report};
use crate::run::Step;

/// The version of what is described here.
pub const VERSION: u32 = 1;
/// Where the routes are.
pub const ROOT: &str = "/worker/v1";
/// The longest that a claim waits for work, in milliseconds.
pub const LONGEST_WAIT_MS: u64 = 25_000;

/// Any body, in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message<T> {
    /// [`VERSION`] of the writer.
    pub version: u32,
    /// What it says.
    pub body: T,
}

impl<T> Message<T> {
    /// A message of this version.
    pub fn new(body: T) -> Self {
        Self { version: VERSION, body }
    }
}

/// A call about a run that the caller holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held<T> {
    /// The caller's hold.
    pub epoch: Epoch,
    /// What it says.
    pub content: T,
}

/// `enrol`, with the enrolment token as bearer: what the worker will prove itself by from now on.
/// The worker makes it, so that a repeat after a lost answer is the same enrolment.
#[derive(Clone, Serialize, Deserialize)]
pub struct Enrol {
    /// At least 32 characters that nobody can guess.
    pub credential: String,
}

/// `credential`: the credential that takes the place of the one the call carries.
pub type Renew = Enrol;

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its name.
    pub name: WorkerName,
}

/// `hello`, at a worker's start: what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// How many runs it works on at once.
    pub slots: u32,
    /// Its version: `pullwright 0.1.0`.
    pub software: String,
    /// Its wall clock.
    pub at: DateTime<Utc>,
}

/// `claim`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCall {
    /// Chosen fresh for every new claim, and repeated when the answer was lost.
    pub nonce: String,
    /// How long to wait for work, in milliseconds; at most [`LONGEST_WAIT_MS`].
    pub wait_ms: u64,
    /// The worker's wall clock.
    pub at: DateTime<Utc>,
}

/// What the control plane says of itself and its caller, to `hello` and with every claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The control plane's wall clock.
    pub at: DateTime<Utc>,
    /// Whether it is time for another credential.
    #[serde(default)]
    pub renew: bool,
    /// Whether the worker gets no more runs.
    #[serde(default)]
    pub drain: bool,
    /// The pool whose runs it gets.
    #[serde(default)]
    pub pool: Pool,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// The run, if there is one.
    pub job: Option<Job>,
    /// Beside it.
    pub notice: Notice,
}

/// `park`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Park {
    /// When the provider's limit resets.
    pub until: DateTime<Utc>,
    /// Why, for the log.
    pub because: String,
}

/// The answer to a call that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// A call about a run: the last part of its route, what it carries and what it hears.
pub trait RunCall {
    /// The last part of the route.
    const NAME: &'static str;
    /// The largest body, in bytes.
    const LARGEST: usize = 64 << 10;
    /// What it carries besides the epoch.
    type Content: Serialize + for<'de> Deserialize<'de> + Send + Sync;
    /// What it hears.
    type Answer: Serialize + for<'de> Deserialize<'de> + Send;
}

macro_rules! run_calls {
    ($($(#[$doc:meta])* $call:ident = $name:literal up to $largest:expr, $content:ty => $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $call;

            impl RunCall for $call {
                const NAME: &'static str = $name;
                const LARGEST: usize = $largest;
                type Content = $content;
                type Answer = $answer;
            }
        )*
    };
}

run_calls! {
    /// [`crate::ControlPlane::heartbeat`]
    Heartbeat = "heartbeat" up to 4 << 10, Beat => Orders;
    /// [`crate::ControlPlane::step`]
    SetStep = "step" up to 4 << 10, Step => Done;
    /// [`crate::ControlPlane::log`]
    AppendLog = "log" up to 8 << 20, Vec<LogLine> => Done;
    /// [`crate::ControlPlane::grant_push`]
    GrantPush = "grant_push" up to 32 << 20, ChangeReport => crate::control::PushGrant;
    /// [`crate::ControlPlane::report`]
    SendReport = "report" up to 64 << 20, Report => Done;
    /// [`crate::ControlPlane::park`]
    ParkRun = "park" up to 64 << 10, Park => Done;
    /// [`crate::ControlPlane::hand_back`]
    HandBack = "hand_back" up to 4 << 10, Done => Done;
}

/// The route of a call about a run.
#[must_use]
pub fn run_route<C: RunCall>(run: RunId) -> String {
    format!("{ROOT}/runs/{run}/{}", C::NAME)
}

/// The route of a run's result bundle; the caller's epoch is its query.
#[must_use]
pub fn result_route(run: RunId, epoch: Epoch) -> String {
    format!("{ROOT}/runs/{run}/result?epoch={epoch}")
}

/// The HTTP status of an error; its body is the error itself.
#[must_use]
pub fn status(error: &ControlError) -> u16 {
    match error {
        ControlError::StaleEpoch | ControlError::Cancelled => 409,
        ControlError::Refused { .. } => 422,
        ControlError::Unavailable { .. } => 503,
    }
}
