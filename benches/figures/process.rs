//! Child processes: this program in a role, and what a process holds in memory.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::roles;

/// How long a process may take to start or to end.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// This program in a role; killed when dropped.
pub struct Role {
    pub address: SocketAddr,
    _child: Child,
}

impl Role {
    /// Starts it and waits for the address that it prints.
    pub async fn start(name: &str, arguments: &[&OsStr]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(format!("{}{name}", roles::PREFIX))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = timeout(PATIENCE, lines.next_line()).await??;
        let address = line.with_context(|| format!("`{name}` ended at its start"))?.parse()?;
        Ok(Self { address, _child: child })
    }
}

/// Asks a process to end, and waits until it has.
pub async fn end(child: &mut Child) -> anyhow::Result<()> {
    let Some(id) = child.id() else { return Ok(()) };
    kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
    let status = timeout(PATIENCE, child.wait()).await.context("it does not end")??;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(())
}

/// Resident memory in MB of 10^6 bytes (proc(5)).
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now: `VmRSS`.
    pub now: f64,
    /// Of it what is in no file: `RssAnon`. The rest is the program's own file, which the kernel keeps
    /// once for all that run it and drops when others need the room.
    pub own: f64,
    /// At its highest: `VmHWM`.
    pub highest: f64,
}

/// What a process holds.
pub fn memory(child: &Child) -> anyhow::Result<Memory> {
    memory_of(child.id().context("it ended")?)
}

/// As [`memory`], of the process with that id.
pub fn memory_of(id: u32) -> anyhow::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024.0 / 1e6)
    };
    let field = |name| field(name).with_context(|| format!("no {name}"));
    Ok(Memory { now: field("VmRSS")?, own: field("RssAnon")?, highest: field("VmHWM")? })
}
