//! A worker's start: enrolled where that is still to be done, and known to be here.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemas::backoff::Backoff;
use schemas::control::ControlError;
use schemas::trace::TraceContext;
use schemas::worker_api::{Enrol, Enrolled, ROOT};
use schemas::{Clock, Pool, WorkerName};
use secrecy::{ExposeSecret, SecretString};

use crate::Settings;
use crate::control::RemoteControl;
use crate::credential::{Credential, Kept, fresh_secret};
use crate::http::{self, Call, CallError};

const ENROL: Duration = Duration::from_secs(10);
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The HTTP client cannot be made.
    #[error("the control plane cannot be called")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The credential's file cannot be read or written.
    #[error("the credential in {} cannot be kept", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is neither a credential nor a token.
    #[error(
        "this worker is not enrolled: run `pullwright workers enrol NAME` at the control plane and name its token in `control_plane.enrolment`"
    )]
    NotEnrolled,
    /// The token is none.
    #[error(
        "the enrolment token is none: it reads NAME.SECRET, as `pullwright workers enrol NAME` prints it"
    )]
    NoToken,
    /// The control plane does not know this worker.
    #[error(
        "the control plane does not take this worker: {0}; run `pullwright workers enrol NAME` there for a new token"
    )]
    Refused(String),
    /// It was told to stop before there was an answer.
    #[error("stopped before the control plane answered")]
    Stopped,
}

/// Enrols where needed, says hello and returns the control plane. Waits for one that does not answer,
/// until it is told to stop.
///
/// # Errors
/// When the worker is not taken, or its credential cannot be kept.
pub async fn enter(settings: Settings) -> Result<RemoteControl, EnterError> {
    let http = http::client(&settings.url, settings.ca_file.as_deref()).map_err(EnterError::Client)?;
    let (path, clock) = (settings.credential_file.clone(), Arc::clone(&settings.clock));
    let failed = |source| EnterError::File { path: path.clone(), source };
    let token = settings.enrolment.as_ref().map(Token::read).transpose()?;
    let known = Credential::load(&path).map_err(failed)?;
    let is_new = known.is_none();
    let kept = match (known, &token) {
        (Some(kept), _) => kept,
        (None, Some(token)) => token.begin(clock.as_ref()),
        (None, None) => return Err(EnterError::NotEnrolled),
    };
    // After a lost answer the same credential is asked for again.
    let begun = kept.pending && token.as_ref().is_some_and(|token| token.name == kept.name);
    let mut control = RemoteControl::new(http, Credential::keep(&path, kept).map_err(failed)?, settings);
    if !is_new {
        match answered(&control, async || control.hello().await).await? {
            Ok(()) => {
                control.credential.settle().map_err(failed)?;
                return Ok(control);
            }
            Err(CallError::Unauthorized(_)) if token.is_some() => {
                tracing::warn!("the credential is refused; enrolling anew");
            }
            Err(refused) => return Err(EnterError::Refused(refused.to_string())),
        }
    }
    let Some(token) = token else { return Err(EnterError::NotEnrolled) };
    if !is_new && !begun {
        control.credential = Credential::keep(&path, token.begin(clock.as_ref())).map_err(failed)?;
    }
    let refused = |error: CallError| EnterError::Refused(error.to_string());
    let name = answered(&control, async || token.enrol(&control).await).await?.map_err(refused)?;
    control.credential.settle().map_err(failed)?;
    tracing::info!(worker = %name, "enrolled");
    answered(&control, async || control.hello().await).await?.map_err(refused)?;
    Ok(control)
}

/// An enrolment token: `NAME.SECRET`.
struct Token {
    name: WorkerName,
    whole: SecretString,
}

impl Token {
    fn read(text: &SecretString) -> Result<Self, EnterError> {
        let whole = text.expose_secret().trim();
        let (name, _) = whole.split_once('.').ok_or(EnterError::NoToken)?;
        Ok(Self { name: WorkerName::from(name), whole: SecretString::from(whole.to_owned()) })
    }

    /// A credential to ask for, kept before the control plane hears of it.
    fn begin(&self, clock: &dyn Clock) -> Kept {
        Kept {
            name: self.name.clone(),
            secret: fresh_secret(clock),
            next: None,
            pending: true,
            pool: Pool::default(),
        }
    }

    async fn enrol(&self, control: &RemoteControl) -> Result<WorkerName, CallError> {
        let call = Call {
            http: &control.http,
            url: format!("{}{ROOT}/enrol", control.url()),
            bearer: self.whole.expose_secret().to_owned(),
            trace: TraceContext::default(),
            timeout: ENROL,
        };
        let enrolled: Enrolled = call.send(Enrol { credential: control.credential.secret() }).await?;
        Ok(enrolled.name)
    }
}

/// Calls until there is an answer; the inner error is the control plane's no.
async fn answered<T>(
    control: &RemoteControl,
    call: impl AsyncFn() -> Result<T, CallError>,
) -> Result<Result<T, CallError>, EnterError> {
    let stop = control.stop();
    for tries in 0.. {
        match stop.run_until_cancelled(call()).await.ok_or(EnterError::Stopped)? {
            Err(CallError::Control(ControlError::Unavailable { message })) => {
                tracing::warn!(message, "the control plane does not answer; asking again");
                let pause = tokio::time::sleep(BACKOFF.delay(tries, u16::MAX));
                stop.run_until_cancelled(pause).await.ok_or(EnterError::Stopped)?;
            }
            answer => return Ok(answer),
        }
    }
    Err(EnterError::Stopped)
}
