//! Watches one running `bwrap` to its end, and kills the whole tree when its time is over.
//!
//! The kill goes to the sandbox's process 1, not to `bwrap`: the kernel lets a namespace's first
//! process be reaped only after it has killed and reaped every other (pid_namespaces(7)), and
//! `bwrap` ends only after reaping it. So when `bwrap` has ended, nothing is left.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use super::Exit;

/// How long `bwrap` may take to create process 1 before it is killed itself.
const SETUP_PATIENCE: Duration = Duration::from_secs(5);

/// How a supervised `bwrap` ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// `TimedOut` or `Stopped`, when it was killed for that.
    pub(super) killed: Option<Exit>,
    /// The exit code of what ran inside; none if it never started.
    pub(super) code: Option<i32>,
}

/// A line of `bwrap --json-status-fd`. The exit code is only told if the command was started.
#[derive(Debug, Deserialize)]
struct Report {
    #[serde(rename = "child-pid")]
    child_pid: Option<i32>,
    #[serde(rename = "exit-code")]
    exit_code: Option<i32>,
}

/// Returns when nothing of the sandbox is left. `also` is called once with the kill.
pub(super) async fn supervise(
    mut bwrap: Child,
    reports: pipe::Receiver,
    timeout: Duration,
    stop: &CancellationToken,
    also: impl Fn(),
) -> io::Result<Ending> {
    let mut reports = BufReader::new(reports).lines();
    let mut ending = Ending::default();
    let mut init = None;
    let over = async {
        tokio::select! {
            biased;
            () = stop.cancelled() => Exit::Stopped,
            () = tokio::time::sleep(timeout) => Exit::TimedOut,
        }
    };
    tokio::pin!(over);
    let mut verdict = None;
    loop {
        let setting_up = verdict.is_some() && init.is_none();
        tokio::select! {
            // bwrap holds the only other end: the end of its reports is its own end.
            report = reports.next_line() => match report? {
                Some(line) => {
                    let report: Report = serde_json::from_str(&line)?;
                    init = init.or(report.child_pid);
                    ending.code = ending.code.or(report.exit_code);
                }
                None => break,
            },
            cause = &mut over, if verdict.is_none() => verdict = Some(cause),
            () = tokio::time::sleep(SETUP_PATIENCE), if setting_up => bwrap.start_kill()?,
        }
        if ending.killed.is_none()
            && ending.code.is_none()
            && let (Some(init), Some(_)) = (init, &verdict)
        {
            ending.killed = verdict.clone();
            also();
            kill_init(init, &mut bwrap)?;
        }
    }
    let status = bwrap.wait().await?;
    if status.signal().is_some() {
        // Somebody killed bwrap itself; process 1 dies with it, but nobody has waited for that.
        if let Some(init) = init {
            gone(Pid::from_raw(init)).await;
        }
        ending.killed = ending.killed.or(verdict);
    }
    Ok(ending)
}

/// Kills process 1 if it is still `bwrap`'s child: as `bwrap` has not been reaped, its own number
/// cannot have been given away, and so neither can its child's. Else `bwrap` takes it along.
fn kill_init(init: i32, bwrap: &mut Child) -> io::Result<()> {
    if bwrap.id().is_some_and(|bwrap| parent(init) == Some(bwrap)) {
        return Ok(kill(Pid::from_raw(init), Signal::SIGKILL)?);
    }
    bwrap.start_kill()
}

/// A process's parent, from proc(5).
fn parent(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

async fn gone(pid: Pid) {
    for _ in 0..1000 {
        if kill(pid, None).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
