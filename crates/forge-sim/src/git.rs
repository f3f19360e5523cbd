//! Git smart HTTP on the bare repositories, by git's own CGI program, streaming both ways.
//!
//! `git http-backend` speaks protocol v0 to v2 and unpacks gzip bodies itself
//! (<https://git-scm.com/docs/git-http-backend>).

use std::process::Stdio;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use schemas::automation::Permission;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::auth::Caller;
use crate::bare;
use crate::world::World;

pub(crate) async fn info_refs(
    State(world): State<Arc<World>>,
    Path((owner, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    let push = request.uri().query().unwrap_or_default().contains("service=git-receive-pack");
    serve(&world, &owner, &name, "info/refs", push, request).await
}

pub(crate) async fn upload_pack(
    State(world): State<Arc<World>>,
    Path((owner, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    serve(&world, &owner, &name, "git-upload-pack", false, request).await
}

pub(crate) async fn receive_pack(
    State(world): State<Arc<World>>,
    Path((owner, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    serve(&world, &owner, &name, "git-receive-pack", true, request).await
}

async fn serve(
    world: &World,
    owner: &str,
    name: &str,
    service: &str,
    push: bool,
    request: Request,
) -> Response {
    let name = name.strip_suffix(".git").unwrap_or(name);
    let caller = match enter(world, owner, name, push, request.headers()) {
        Ok(caller) => caller,
        Err((status, message)) => return refusal(status, &message),
    };
    match backend(world, owner, name, service, &caller, request).await {
        Ok(response) => response,
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// The caller, when the credential allows what is asked; else the refusal in GitHub's words.
fn enter(
    world: &World,
    owner: &str,
    name: &str,
    push: bool,
    headers: &HeaderMap,
) -> Result<Caller, (StatusCode, String)> {
    let caller = Caller::from_headers(world, headers)
        .map_err(|_| (StatusCode::UNAUTHORIZED, "Invalid username or token.".to_owned()))?;
    let model = world.model();
    let repository = model.repository(owner, name);
    let permission = repository.map_or(Permission::None, |r| caller.permission(r));
    if permission < Permission::Read {
        return Err((StatusCode::NOT_FOUND, "Repository not found.".to_owned()));
    }
    if push && permission < Permission::Write {
        let message = format!("Permission to {owner}/{name}.git denied to {}.", caller.login());
        return Err((StatusCode::FORBIDDEN, message));
    }
    if push && repository.is_some_and(|r| r.archived) {
        let message = "This repository was archived so it is read-only.".to_owned();
        return Err((StatusCode::FORBIDDEN, message));
    }
    Ok(caller)
}

async fn backend(
    world: &World,
    owner: &str,
    name: &str,
    service: &str,
    caller: &Caller,
    request: Request,
) -> std::io::Result<Response> {
    let (parts, body) = request.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let folder = world.bare(owner, name).folder().to_owned();
    let mut command = bare::git();
    command
        .args(["-c", "receive.fsckObjects=true", "http-backend"])
        .env("GIT_PROJECT_ROOT", &folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{service}"))
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")))
        // An authenticated user is what allows receive-pack.
        .env("REMOTE_USER", caller.login())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("git http-backend has no pipes"));
    };
    let mut upload = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    tokio::spawn(async move {
        // A closed pipe means that git has read enough; its answer says what became of it.
        drop(tokio::io::copy(&mut upload, &mut stdin).await);
        drop(stdin.shutdown().await);
    });
    answer(child, BufReader::new(stdout)).await
}

/// Turns CGI output (RFC 3875) into a response whose body streams on.
async fn answer(child: Child, mut output: BufReader<ChildStdout>) -> std::io::Result<Response> {
    let mut response = Response::new(Body::empty());
    loop {
        let mut line = String::new();
        output.read_line(&mut line).await?;
        let line = line.trim_end();
        let Some((name, value)) = line.split_once(':') else { break };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|c| c.parse().ok());
            *response.status_mut() = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    // The child is kept by the stream: a caller that goes away takes the process with it.
    let stream = ReaderStream::new(output).map_ok(move |chunk| {
        let _keep = &child;
        chunk
    });
    *response.body_mut() = Body::from_stream(stream);
    Ok(response)
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let mut response = (status, format!("{message}\n")).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"GitHub\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
