//! The git gate's stand-in: `git http-backend` behind a bearer token, with faults on order.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub const TOKEN: &str = "gate-token-of-this-run";

/// What happens to the next request that a fault is for.
#[derive(Debug, Clone, Copy)]
pub enum GitFault {
    /// Answered so without asking git.
    Instead(u16),
    /// Done, and answered so all the same.
    After(u16),
}

#[derive(Default)]
struct Shared {
    root: PathBuf,
    seen: Mutex<Vec<String>>,
    faults: Mutex<VecDeque<(&'static str, GitFault)>>,
}

/// A running server over all repositories of a folder.
pub struct GitServer {
    shared: Arc<Shared>,
    address: String,
}

impl GitServer {
    pub async fn start(root: PathBuf) -> Self {
        let shared = Arc::new(Shared { root, ..Shared::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { shared, address }
    }

    pub fn url(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address)
    }

    /// The next request whose path or service ends with `what` meets `fault`.
    pub fn order(&self, what: &'static str, fault: GitFault) {
        self.shared.faults.lock().unwrap().push_back((what, fault));
    }

    /// How many requests there were to paths that contain `part`.
    pub fn count(&self, part: &str) -> usize {
        self.shared.seen.lock().unwrap().iter().filter(|path| path.contains(part)).count()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    shared.seen.lock().unwrap().push(target.clone());
    let plain = |status: u16| Response::builder().status(status).body(Body::from("ordered")).unwrap();
    let authorized =
        request.headers().get(header::AUTHORIZATION).is_some_and(|value| value == &format!("Bearer {TOKEN}"));
    if !authorized {
        return plain(401);
    }
    let ordered = {
        let mut faults = shared.faults.lock().unwrap();
        let index = faults.iter().position(|(what, _)| target.ends_with(what));
        index.and_then(|index| faults.remove(index)).map(|(_, fault)| fault)
    };
    if let Some(GitFault::Instead(status)) = ordered {
        return plain(status);
    }
    let response = backend(&shared, request).await;
    if let Some(GitFault::After(status)) = ordered {
        return plain(status);
    }
    response
}

/// One CGI call (RFC 3875) of `git http-backend`.
async fn backend(shared: &Shared, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 256 << 20).await.unwrap();
    let text =
        |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REMOTE_USER", "gate")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = tokio::spawn(async move {
        // Git may have heard enough before the end.
        let _ = stdin.write_all(&body).await;
    });
    let output = child.wait_with_output().await.unwrap().stdout;
    writing.await.unwrap();
    let split = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0);
    let (head, body) = output.split_at(split);
    let mut response = Response::builder().status(StatusCode::OK);
    for line in String::from_utf8_lossy(head).lines() {
        match line.split_once(": ") {
            Some(("Status", status)) => response = response.status(status[..3].parse::<u16>().unwrap()),
            Some((name, value)) => response = response.header(name, value),
            None => {}
        }
    }
    response.body(Body::from(body.get(4..).unwrap_or_default().to_vec())).unwrap()
}
