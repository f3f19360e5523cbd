//! One git process and its children: started as a group, drained, and killed as a group.

use std::io;
use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::{GitError, Printed};

/// More messages than this say nothing new.
const MESSAGE_CAP: usize = 16 << 10;

/// How a process ended.
pub(super) struct Ended {
    pub(super) success: bool,
    pub(super) printed: Printed,
    pub(super) messages: String,
}

/// Kills the group when dropped: git's helpers outlive a killed git otherwise.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may be gone already; then there is nothing to do.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

pub(super) async fn run(mut command: Command, output_cap: usize) -> Result<Ended, GitError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(GitError::Start)?;
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let mut group = Group(leader);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let printing = async {
        let (bytes, cut) = drain(stdout, output_cap, true).await?;
        if cut {
            // Nobody reads the rest: git must not wait for that.
            child.start_kill()?;
        }
        Ok::<_, io::Error>(Printed { bytes, cut })
    };
    let (printed, messages) = tokio::join!(printing, drain(stderr, MESSAGE_CAP, false));
    let (printed, messages) = (printed.map_err(GitError::Io)?, messages.map_err(GitError::Io)?.0);
    let status = child.wait().await.map_err(GitError::Io)?;
    group.0 = None;
    Ok(Ended {
        success: status.success(),
        printed,
        messages: String::from_utf8_lossy(&messages).into_owned(),
    })
}

/// Reads to the end and keeps the first `cap` bytes; `stop` ends the reading there.
async fn drain(
    source: Option<impl AsyncRead + Unpin>,
    cap: usize,
    stop: bool,
) -> io::Result<(Vec<u8>, bool)> {
    let Some(mut source) = source else { return Ok((Vec::new(), false)) };
    let mut kept = Vec::new();
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    (&mut source).take(limit).read_to_end(&mut kept).await?;
    let cut = kept.len() > cap;
    kept.truncate(cap);
    if cut && !stop {
        tokio::io::copy(&mut source, &mut tokio::io::sink()).await?;
    }
    Ok((kept, cut))
}
