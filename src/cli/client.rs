//! The API of a running Pullwright, as the command line uses it.

use std::path::PathBuf;
use std::time::Duration;

use config::Env;
use miette::Diagnostic;
use reqwest::{Method, RequestBuilder, StatusCode};
use schemas::WebhookName;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::CliError;
use super::args::Global;
use super::escape;

/// No answer is larger: 64 MiB.
const LARGEST: usize = 64 << 20;
/// How long a stream may take to open; it may then last for ever.
const OPENING: Duration = Duration::from_secs(30);
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a question may take that is computed for.
const COMPUTING: Duration = Duration::from_secs(10 * 60);
/// A server whose stream is silent for so long is gone: it gives a sign of life every 15 seconds.
const SILENCE: Duration = Duration::from_secs(40);

/// Why the running Pullwright did not do it. The server's words are made safe for a terminal.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ClientError {
    /// Nobody listens.
    #[error("Pullwright is not running at {server}")]
    #[diagnostic(help("start it with `pullwright up`, or name another one with --server"))]
    NotRunning {
        /// Where.
        server: String,
    },
    /// It listens and does not answer in time, or the connection broke.
    #[error("{server} does not answer: {message}")]
    #[diagnostic(help("its log says more; `pullwright doctor` checks the machine"))]
    NoAnswer {
        /// Where.
        server: String,
        /// What happened.
        message: String,
    },
    /// The token's file cannot be read.
    #[error("the API's token {} cannot be read", path.display())]
    #[diagnostic(help(
        "`pullwright up` writes it at its start; name another one with --token-file, or put the token into PULLWRIGHT_TOKEN"
    ))]
    NoToken {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The token is not the server's.
    #[error("{server} refuses the token")]
    #[diagnostic(help("use its admin.token: --token-file FILE, or PULLWRIGHT_TOKEN"))]
    TokenRefused {
        /// Where.
        server: String,
    },
    /// There is no such thing.
    #[error("{sentence}")]
    #[diagnostic(help("the lists print the ids: `pullwright deliveries list`, `pullwright runs list`"))]
    NotFound {
        /// The server's words.
        sentence: String,
    },
    /// Not in this state.
    #[error("{sentence}")]
    Conflict {
        /// The server's words.
        sentence: String,
    },
    /// Another refusal.
    #[error("{server} answers {status}: {sentence}")]
    Refused {
        /// Where.
        server: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        sentence: String,
    },
    /// The answer is none of Pullwright's.
    #[error("{server} answers, but not as Pullwright of this version does")]
    #[diagnostic(help("check --server; something else may listen there, or another version"))]
    NotPullwright {
        /// Where.
        server: String,
    },
    /// The address is none.
    #[error("`{server}` is no address of a server")]
    #[diagnostic(help("write it like http://127.0.0.1:8080"))]
    NoAddress {
        /// What was given.
        server: String,
    },
}

/// A server and the token to show it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
}

/// An answer: the text as it came, and what it says.
pub(super) struct Answer<T> {
    /// For `--json`.
    pub(super) text: String,
    /// For people.
    pub(super) value: T,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

impl Client {
    /// A client as options, environment and configuration say; reads the configuration only for
    /// what the first two leave open.
    pub(super) fn new(global: &Global, env: &dyn Env) -> Result<Self, CliError> {
        let load = || config::load(global.config.as_deref(), env);
        let given = global.server.clone().or_else(|| env.get("PULLWRIGHT_SERVER"));
        let token_file = global.token_file.as_ref().map(|path| env.current_dir().join(path));
        let token = env.get("PULLWRIGHT_TOKEN").filter(|_| token_file.is_none());
        let settings = match (&given, &token_file, &token) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => None,
            _ => Some(load()?.settings),
        };
        let listen = settings.as_ref().map(|settings| at(settings.listen.api()));
        let server = given.or(listen).unwrap_or_default();
        let file = token_file.or_else(|| settings.map(|settings| settings.admin_token()));
        let token = match (token, file) {
            (Some(token), _) => token,
            (None, Some(path)) => {
                std::fs::read_to_string(&path).map_err(|source| ClientError::NoToken { path, source })?
            }
            (None, None) => String::new(),
        };
        Ok(Self::at(&server, token.trim())?)
    }

    /// A client of the server at an address.
    pub(super) fn at(server: &str, token: &str) -> Result<Self, ClientError> {
        let server = server.trim_end_matches('/').to_owned();
        let no_address = || ClientError::NoAddress { server: escape::line(&server) };
        let parsed = reqwest::Url::parse(&server).map_err(|_| no_address())?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() {
            return Err(no_address());
        }
        // A redirect could carry the token elsewhere.
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30));
        // In clear it goes to the server itself: `HTTP_PROXY` is for what lies beyond this machine.
        if parsed.scheme() == "http" {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|_| no_address())?;
        Ok(Self { http, server, token: token.to_owned() })
    }

    /// Reads `path`, which is ours or made of checked ids.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ClientError> {
        self.answer(self.request(Method::GET, path)).await
    }

    /// Asks for `path` to be done.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ClientError> {
        self.answer(self.request(Method::POST, path)).await
    }

    /// Asks for what `body` says.
    pub(super) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, ClientError> {
        self.answer(self.request(Method::POST, path).json(body)).await
    }

    /// Asks for what takes some computing.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<Answer<T>, ClientError> {
        self.answer(self.request(Method::POST, path).timeout(COMPUTING).json(question)).await
    }

    /// Opens an answer that goes on for ever.
    pub(super) async fn stream(&self, path: &str) -> Result<Stream, ClientError> {
        let request = self.http.get(format!("{}{path}", self.server)).bearer_auth(&self.token);
        let request = request.timeout(FOR_EVER).header("accept", "text/event-stream").send();
        let opened = tokio::time::timeout(OPENING, request).await;
        let response = opened.map_err(|_| self.no_answer("no answer in time"))?;
        let response = response.map_err(|error| self.failed(&error))?;
        if response.status().is_success() {
            return Ok(Stream { response, server: self.server.clone() });
        }
        let status = response.status();
        Err(self.refusal(status, &self.text(response).await?))
    }

    /// Delivers a webhook, as its sender would: without our token.
    pub(super) async fn deliver(
        &self,
        webhook: &WebhookName,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<(u16, String), ClientError> {
        let mut request = self.http.post(format!("{}/webhooks/{webhook}", self.server)).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        Ok((response.status().as_u16(), self.text(response).await?))
    }

    /// The server's address.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server)).bearer_auth(&self.token)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Answer<T>, ClientError> {
        let server = || self.server.clone();
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        let text = self.text(response).await?;
        if !status.is_success() {
            return Err(self.refusal(status, &text));
        }
        let value = serde_json::from_str(&text);
        value.map(|value| Answer { text, value }).map_err(|_| ClientError::NotPullwright { server: server() })
    }

    /// What an answer that is not 2xx means.
    fn refusal(&self, status: StatusCode, text: &str) -> ClientError {
        let server = || self.server.clone();
        let sentence = serde_json::from_str::<ErrorBody>(text).map(|body| escape::line(&body.error));
        match (status, sentence) {
            (StatusCode::UNAUTHORIZED, _) => ClientError::TokenRefused { server: server() },
            (_, Err(_)) => ClientError::NotPullwright { server: server() },
            (StatusCode::NOT_FOUND, Ok(sentence)) => ClientError::NotFound { sentence },
            (StatusCode::CONFLICT | StatusCode::GONE, Ok(sentence)) => ClientError::Conflict { sentence },
            (status, Ok(sentence)) => {
                ClientError::Refused { server: server(), status: status.as_u16(), sentence }
            }
        }
    }

    /// The body as text, read no further than an honest one goes.
    async fn text(&self, mut response: reqwest::Response) -> Result<String, ClientError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if bytes.len() + chunk.len() > LARGEST {
                return Err(ClientError::NotPullwright { server: self.server.clone() });
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| ClientError::NotPullwright { server: self.server.clone() })
    }

    fn failed(&self, error: &reqwest::Error) -> ClientError {
        let server = self.server.clone();
        if error.is_connect() && !error.is_timeout() {
            return ClientError::NotRunning { server };
        }
        self.no_answer(if error.is_timeout() { "no answer in time" } else { "the connection broke" })
    }

    fn no_answer(&self, message: &str) -> ClientError {
        ClientError::NoAnswer { server: self.server.clone(), message: message.to_owned() }
    }
}

/// An answer that goes on for ever.
pub(super) struct Stream {
    response: reqwest::Response,
    server: String,
}

impl Stream {
    /// The next bytes; `None` when the server ended it, went away or fell silent.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await;
        chunk.ok()?.ok()?.map(|chunk| chunk.to_vec())
    }

    /// What a server sent that is none of Pullwright's.
    pub(super) fn not_pullwright(&self) -> ClientError {
        ClientError::NotPullwright { server: self.server.clone() }
    }
}

/// A text as one part of a path or query.
pub(super) fn path_part(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The address at which this machine reaches what listens on `address`.
pub(super) fn at(mut address: std::net::SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// Whether a Pullwright answers at an address and calls itself well.
pub(super) async fn healthy(server: &str) -> bool {
    let Ok(client) = Client::at(server, "") else { return false };
    let request = client.http.get(format!("{server}/healthz")).timeout(Duration::from_secs(5));
    request.send().await.is_ok_and(|response| response.status().is_success())
}
