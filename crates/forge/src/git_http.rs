//! The streaming leg of git's smart HTTP: from the dispatcher's git gate to the forge.
//!
//! It adds the credential, lets four headers through, stores nothing, and stops when nothing moves.
//! Protocol: <https://git-scm.com/docs/http-protocol>.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use crate::http_client::{self, ClientError, root_cause, shortened};
use crate::{ForgeError, github};

/// How long both directions may stand still.
const IDLE: Duration = Duration::from_secs(60);

/// The request headers that a forge gets to see.
const SENT: [&str; 4] = ["accept", "content-type", "content-encoding", "git-protocol"];

/// The answer's headers that git gets to see.
const RETURNED: [&str; 5] = ["content-type", "content-encoding", "cache-control", "expires", "pragma"];

/// Where git reaches a repository.
#[derive(Clone)]
pub struct GitEndpoint {
    /// Smart-HTTP address, without credentials.
    pub url: String,
    /// The value of the `Authorization` header to add.
    pub authorization: SecretString,
    /// The connection's client, which trusts its certificates.
    pub(crate) client: reqwest::Client,
}

impl GitEndpoint {
    /// An endpoint whose certificate the system trusts.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(url: String, authorization: SecretString) -> Result<Self, ClientError> {
        let client = http_client::build(&url, None, None)?;
        Ok(Self { url, authorization, client })
    }
}

impl fmt::Debug for GitEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitEndpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

/// One request of git's, as the gate received it.
#[derive(Debug, Clone)]
pub struct GitRequest {
    /// `GET` for `info/refs`, else `POST`.
    pub method: Method,
    /// What follows the repository's address: `/info/refs?service=git-upload-pack`,
    /// `/git-upload-pack`, the same for `git-receive-pack`; nothing else passes.
    pub path: String,
    /// git's headers; only those that the protocol needs are sent on.
    pub headers: HeaderMap,
}

impl GitRequest {
    /// Whether it could change the repository; `None` when it is none of the protocol's requests.
    fn writes(&self) -> Option<bool> {
        match (&self.method, self.path.as_str()) {
            (&Method::GET, "/info/refs?service=git-upload-pack" | "/info/refs?service=git-receive-pack")
            | (&Method::POST, "/git-upload-pack") => Some(false),
            (&Method::POST, "/git-receive-pack") => Some(true),
            _ => None,
        }
    }
}

/// What a forge sends; an error ends it.
pub type GitStream = Pin<Box<dyn Stream<Item = Result<Bytes, ForgeError>> + Send>>;

/// Forwards git's requests.
#[derive(Debug, Clone)]
pub struct GitHttp {
    idle: Duration,
}

impl Default for GitHttp {
    fn default() -> Self {
        Self::new()
    }
}

impl GitHttp {
    /// A forwarder that gives up when nothing has moved for a minute.
    #[must_use]
    pub fn new() -> Self {
        Self { idle: IDLE }
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_idle_timeout(idle: Duration) -> Self {
        Self { idle }
    }

    /// Sends one request on and returns the answer as it comes, status 200 always.
    ///
    /// # Errors
    /// For every other answer and for none, by the meanings of [`ForgeError`]; for a push
    /// [`ForgeError::Unclear`] once the forge may have begun it.
    pub async fn forward<S, E>(
        &self,
        endpoint: &GitEndpoint,
        request: GitRequest,
        body: S,
    ) -> Result<Response<GitStream>, ForgeError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let Some(writes) = request.writes() else {
            let message = format!("`{} {}` is no request of git's", request.method, request.path);
            return Err(ForgeError::Refused { status: 400, message: shortened(&message) });
        };
        let uncertain = |message: String| {
            if writes { ForgeError::Unclear { message } } else { ForgeError::Unavailable { message } }
        };
        let traffic = Traffic { idle: self.idle, sent: Arc::default() };
        let outgoing = outgoing(endpoint, request, body, &traffic)?;
        let response = match traffic.wait(endpoint.client.execute(outgoing)).await {
            Some(Ok(response)) => response,
            Some(Err(error)) if error.is_connect() => {
                return Err(ForgeError::Unavailable { message: root_cause(&error) });
            }
            Some(Err(error)) => return Err(uncertain(root_cause(&error))),
            None => return Err(uncertain(traffic.stalled())),
        };
        if response.status() != StatusCode::OK {
            return Err(refusal(response, &endpoint.url, &traffic, uncertain).await);
        }
        Ok(incoming(response, traffic))
    }
}

/// Watches whether anything moves.
struct Traffic {
    idle: Duration,
    /// Chunks that the caller has sent.
    sent: Arc<AtomicU64>,
}

impl Traffic {
    /// What comes of `next`; `None` when neither it nor the upload moved for the whole patience.
    /// An upload may take long, and a forge may begin its answer before it has read everything.
    async fn wait<T>(&self, next: impl Future<Output = T>) -> Option<T> {
        let mut next = pin!(next);
        let mut before = self.sent.load(Ordering::Relaxed);
        loop {
            if let Ok(value) = tokio::time::timeout(self.idle, &mut next).await {
                return Some(value);
            }
            let now = self.sent.load(Ordering::Relaxed);
            if now == before {
                return None;
            }
            before = now;
        }
    }

    fn stalled(&self) -> String {
        format!("nothing moved for {} s", self.idle.as_secs())
    }
}

fn outgoing<S, E>(
    endpoint: &GitEndpoint,
    request: GitRequest,
    body: S,
    traffic: &Traffic,
) -> Result<reqwest::Request, ForgeError>
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let unusable = |what: &str| ForgeError::Unavailable { message: format!("the {what} is not usable") };
    let url = format!("{}{}", endpoint.url.trim_end_matches('/'), request.path);
    let url = reqwest::Url::parse(&url).map_err(|_| unusable("repository's address"))?;
    let mut outgoing = reqwest::Request::new(request.method.clone(), url);
    for name in SENT {
        if let Some(value) = request.headers.get(name) {
            outgoing.headers_mut().insert(name, value.clone());
        }
    }
    let mut credential =
        HeaderValue::from_str(endpoint.authorization.expose_secret()).map_err(|_| unusable("credential"))?;
    credential.set_sensitive(true);
    outgoing.headers_mut().insert(AUTHORIZATION, credential);
    if request.method == Method::POST {
        let sent = Arc::clone(&traffic.sent);
        let counted = body.inspect(move |_| {
            sent.fetch_add(1, Ordering::Relaxed);
        });
        *outgoing.body_mut() = Some(reqwest::Body::wrap_stream(counted));
    }
    Ok(outgoing)
}

fn incoming(response: reqwest::Response, traffic: Traffic) -> Response<GitStream> {
    let mut headers = HeaderMap::new();
    for name in RETURNED {
        if let Some(value) = response.headers().get(name) {
            headers.insert(name, value.clone());
        }
    }
    let chunks = response.bytes_stream().map_err(|error| root_cause(&error)).boxed();
    let watched = stream::try_unfold((chunks, traffic), |(mut chunks, traffic)| async move {
        match traffic.wait(chunks.next()).await {
            Some(Some(Ok(chunk))) => Ok(Some((chunk, (chunks, traffic)))),
            Some(Some(Err(message))) => Err(ForgeError::Unavailable { message }),
            Some(None) => Ok(None),
            None => Err(ForgeError::Unavailable { message: traffic.stalled() }),
        }
    });
    let mut answer = Response::new(watched.boxed() as GitStream);
    *answer.headers_mut() = headers;
    answer
}

async fn refusal(
    response: reqwest::Response,
    url: &str,
    traffic: &Traffic,
    uncertain: impl Fn(String) -> ForgeError,
) -> ForgeError {
    let (status, headers) = (response.status(), response.headers().clone());
    let words = shortened(&beginning(response, traffic).await);
    match status {
        StatusCode::UNAUTHORIZED => ForgeError::CredentialRefused,
        StatusCode::NOT_FOUND | StatusCode::GONE => ForgeError::NotFound { what: url.to_owned() },
        StatusCode::TOO_MANY_REQUESTS => ForgeError::RateLimited { retry_after: github::wait(&headers) },
        StatusCode::FORBIDDEN => ForgeError::Forbidden { message: words },
        status if status.is_server_error() => uncertain(format!("status {}: {words}", status.as_u16())),
        status if status.is_client_error() => ForgeError::Refused { status: status.as_u16(), message: words },
        status => {
            let message = "it has moved; name it by its new name".to_owned();
            ForgeError::Refused { status: status.as_u16(), message }
        }
    }
}

/// The first words of an error page, as far as they come soon.
async fn beginning(response: reqwest::Response, traffic: &Traffic) -> String {
    const ENOUGH: usize = 1024;
    let mut text = Vec::new();
    let mut chunks = response.bytes_stream();
    while text.len() < ENOUGH {
        match traffic.wait(chunks.next()).await {
            Some(Some(Ok(chunk))) => text.extend_from_slice(&chunk),
            _ => break,
        }
    }
    text.truncate(ENOUGH);
    String::from_utf8_lossy(&text).into_owned()
}
