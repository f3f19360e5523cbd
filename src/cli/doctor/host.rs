//! Checks of this machine: programs, disk, addresses, sandbox.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::Command;
use worker::sandbox::{Sandbox, SandboxError};

use super::Check;
use crate::cli::client;

/// The oldest git whose configuration can be given by environment (`GIT_CONFIG_COUNT`, 2.31).
const OLDEST_GIT: (u32, u32) = (2, 31);
/// Below this a single checkout may fill the disk.
const LITTLE_SPACE: u64 = 5 << 30;
/// Below this the databases are in danger.
const NO_SPACE: u64 = 200 << 20;
/// No program that is asked for its version needs longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a program prints, or why there is nothing.
async fn output(program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => Err("it does not answer".to_owned()),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Err("it is not installed".to_owned()),
        Ok(Err(error)) => Err(format!("it cannot be started: {error}")),
        Ok(Ok(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(Ok(output)) => Err(format!("it ends with {}", output.status)),
    }
}

/// Is git here, and new enough?
pub(super) async fn git() -> Check {
    let remedy = "install git 2.31 or newer from your distribution";
    match output("git", &["--version"]).await {
        Err(why) => Check::fail("git", why, remedy),
        Ok(said) => match version(&said) {
            Some(version) if version >= OLDEST_GIT => Check::ok("git", said),
            Some(_) => Check::fail("git", format!("{said} is too old"), remedy),
            None => Check::warn("git", format!("`{said}` is not understood"), remedy),
        },
    }
}

/// The first `major.minor` in a text.
fn version(said: &str) -> Option<(u32, u32)> {
    said.split_whitespace().find_map(|word| {
        let mut parts = word.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

/// Is bubblewrap here? Whether it holds is for the probe to say.
pub(super) async fn bubblewrap() -> Check {
    match output("bwrap", &["--version"]).await {
        Ok(said) => Check::ok("bubblewrap", said),
        Err(why) => {
            Check::fail("bubblewrap", why, "install the package `bubblewrap`; commands never run without it")
        }
    }
}

/// Is there room for databases and checkouts?
pub(super) async fn free_space(folder: &Path) -> Check {
    let name = "free space";
    let there = folder.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("/"));
    let shown = there.display().to_string();
    // POSIX's format: a header, then one line whose fourth column is the free space in KiB.
    let said = output("df", &["-Pk", &shown]).await;
    let free = said
        .as_ref()
        .ok()
        .and_then(|said| said.lines().nth(1))
        .and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok()?.checked_mul(1024));
    let remedy = "make room, or move `data_dir` to another disk";
    match free {
        None => Check::warn(name, format!("{shown}: it cannot be told how much is free"), "look with `df`"),
        Some(free) => {
            let what = format!("{:.1} GiB at {shown}", free as f64 / f64::from(1 << 30));
            match free {
                free if free < NO_SPACE => Check::fail(name, what, remedy),
                free if free < LITTLE_SPACE => Check::warn(name, what, remedy),
                _ => Check::ok(name, what),
            }
        }
    }
}

/// Is an address free, or held by a Pullwright that is well? It has all its addresses once it answers at `api`.
pub(super) async fn listen(what_for: &str, address: SocketAddr, api: SocketAddr) -> Check {
    let name = format!("address of {what_for}");
    match TcpListener::bind(address).await {
        Ok(_) => Check::ok(name, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match client::healthy(&client::at(api)).await {
            true => Check::ok(name, format!("Pullwright is running at {address}")),
            false => Check::fail(
                name,
                format!("another program listens on {address}"),
                format!("choose another address in `listen.{what_for}`, or stop that program"),
            ),
        },
        Err(error) => Check::fail(
            name,
            format!("{address} cannot be listened on: {error}"),
            format!("choose an address of this machine, and a port from 1024, in `listen.{what_for}`"),
        ),
    }
}

/// Does the sandbox hold what it must hold?
pub(super) async fn sandbox(sandbox: &dyn Sandbox) -> Check {
    judge_sandbox(&sandbox.describe(), sandbox.probe().await)
}

pub(super) fn judge_sandbox(described: &str, answer: Result<(), SandboxError>) -> Check {
    let name = "sandbox";
    match answer {
        Ok(()) => Check::ok(name, format!("{described} holds")),
        Err(SandboxError::Refused { message, remedy }) => Check::fail(name, message, remedy),
        Err(error @ SandboxError::Missing(_)) => {
            Check::fail(name, error.to_string(), "install the package `bubblewrap`")
        }
        Err(error @ SandboxError::Leaks(_)) => Check::fail(
            name,
            error.to_string(),
            "do not run anything here: this kernel or its configuration does not keep the wall up",
        ),
        Err(error @ SandboxError::Io(_)) => {
            let cause =
                std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            Check::fail(name, format!("{error}{cause}"), "check that `data_dir` can be written to")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, found) in [
            ("git version 2.39.5", Some((2, 39))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 2.31.rc1", Some((2, 31))),
            ("git version", None),
            ("", None),
        ] {
            assert_eq!(version(said), found, "{said}");
        }
    }
}
