//! Git smart HTTP on the bare repositories, by git's own CGI program, streaming both ways.
//!
//! `git http-backend` speaks protocol v0 to v2 and unpacks gzip bodies itself
//! (<https://git-scm.com/docs/git-http-backend>).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
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
use crate::bare::BareRepository;
use crate::payload::Moved;
use crate::world::World;
use crate::{bare, gitlab};

type RepoPath = Path<(String, String)>;
type NestedPath = Path<(String, String, String)>;

pub(crate) async fn info_refs(
    world: State<Arc<World>>,
    Path((owner, name)): RepoPath,
    request: Request,
) -> Response {
    serve_refs(&world, &owner, &name, request).await
}

pub(crate) async fn upload_pack(
    world: State<Arc<World>>,
    Path((owner, name)): RepoPath,
    request: Request,
) -> Response {
    serve(&world, &owner, &name, "git-upload-pack", false, request).await
}

pub(crate) async fn receive_pack(
    world: State<Arc<World>>,
    Path((owner, name)): RepoPath,
    request: Request,
) -> Response {
    serve(&world, &owner, &name, "git-receive-pack", true, request).await
}

pub(crate) async fn nested_info_refs(
    world: State<Arc<World>>,
    Path((group, subgroup, name)): NestedPath,
    request: Request,
) -> Response {
    serve_refs(&world, &format!("{group}/{subgroup}"), &name, request).await
}

pub(crate) async fn nested_upload_pack(
    world: State<Arc<World>>,
    Path((group, subgroup, name)): NestedPath,
    request: Request,
) -> Response {
    serve(&world, &format!("{group}/{subgroup}"), &name, "git-upload-pack", false, request).await
}

pub(crate) async fn nested_receive_pack(
    world: State<Arc<World>>,
    Path((group, subgroup, name)): NestedPath,
    request: Request,
) -> Response {
    serve(&world, &format!("{group}/{subgroup}"), &name, "git-receive-pack", true, request).await
}

async fn serve_refs(world: &World, owner: &str, name: &str, request: Request) -> Response {
    let push = request.uri().query().unwrap_or_default().contains("service=git-receive-pack");
    serve(world, owner, name, "info/refs", push, request).await
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
    let (login, folder) = match enter(world, owner, name, push, request.headers()) {
        Ok(way) => way,
        Err((status, message)) => return refusal(status, &message),
    };
    let answered = if service == "git-receive-pack" {
        receive(world, (owner, name), &folder, &login, request).await
    } else {
        backend(&folder, service, &login, request).await
    };
    answered.unwrap_or_else(|error| refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}

/// A push; what it moved is told before its sender hears that it was taken.
async fn receive(
    world: &World,
    (owner, name): (&str, &str),
    folder: &std::path::Path,
    login: &str,
    request: Request,
) -> std::io::Result<Response> {
    let bare = BareRepository::at(folder.to_owned());
    let branches = async || bare.branches().await.map_err(std::io::Error::other);
    let before = branches().await?;
    let (parts, body) = backend(folder, "git-receive-pack", login, request).await?.into_parts();
    let answer = axum::body::to_bytes(body, usize::MAX).await.map_err(std::io::Error::other)?;
    let after = branches().await?;
    let none = || "0".repeat(40);
    let mut moved = Vec::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for branch in names.into_iter().filter(|branch| before.get(*branch) != after.get(*branch)) {
        let message = match after.get(branch) {
            Some(commit) => Some(bare.message(commit).await.map_err(std::io::Error::other)?),
            None => None,
        };
        let end = |ends: &BTreeMap<String, String>| ends.get(branch).cloned().unwrap_or_else(none);
        moved.push(Moved { branch: branch.clone(), before: end(&before), after: end(&after), message });
    }
    world.pushed(owner, name, &moved, login);
    Ok(Response::from_parts(parts, Body::from(answer)))
}

/// The caller's login and the repository's folder, when the credential allows what is asked; else
/// the refusal in the forge's words.
fn enter(
    world: &World,
    owner: &str,
    name: &str,
    push: bool,
    headers: &HeaderMap,
) -> Result<(String, PathBuf), (StatusCode, String)> {
    if let Some(way) = gitlab::git_access(world, &format!("{owner}/{name}"), push, headers) {
        return way;
    }
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
    Ok((caller.login().to_owned(), world.bare(owner, name).folder().to_owned()))
}

async fn backend(
    folder: &std::path::Path,
    service: &str,
    login: &str,
    request: Request,
) -> std::io::Result<Response> {
    let (parts, body) = request.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut command = bare::git();
    command
        .args(["-c", "receive.fsckObjects=true", "http-backend"])
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{service}"))
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")))
        // An authenticated user is what allows receive-pack.
        .env("REMOTE_USER", login)
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
