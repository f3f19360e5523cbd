//! A sandbox that holds nothing: `/bin/sh` in the workspace. What it leaves is as hostile as any.

use std::process::Stdio;

use async_trait::async_trait;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use schemas::control::Stream;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::sandbox::{Exit, OutputLine, Sandbox, SandboxCommand, SandboxError};

#[derive(Default)]
pub struct Shell {
    /// What the probe finds.
    pub leaks: bool,
}

#[async_trait]
impl Sandbox for Shell {
    fn describe(&self) -> String {
        "plain shell".into()
    }

    async fn probe(&self) -> Result<(), SandboxError> {
        if self.leaks { Err(SandboxError::Leaks("the host's network is visible".into())) } else { Ok(()) }
    }

    async fn run(
        &self,
        command: &SandboxCommand,
        output: mpsc::Sender<OutputLine>,
        stop: CancellationToken,
    ) -> Result<Exit, SandboxError> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &command.command])
            .current_dir(command.room.workspace.join(&command.working_directory))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &command.room.home)
            .env("EVENT_DIR", &command.room.data)
            .envs(&command.env)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let group = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap());
        let stdout = tokio::spawn(pass_on(child.stdout.take().unwrap(), Stream::Stdout, output.clone()));
        let stderr = tokio::spawn(pass_on(child.stderr.take().unwrap(), Stream::Stderr, output));
        let exit = tokio::select! {
            status = child.wait() => Exit::Code(status?.code().unwrap_or(137)),
            () = tokio::time::sleep(command.timeout) => Exit::TimedOut,
            () = stop.cancelled() => Exit::Stopped,
        };
        let _ = killpg(group, Signal::SIGKILL);
        child.wait().await?;
        stdout.await.unwrap();
        stderr.await.unwrap();
        Ok(exit)
    }
}

async fn pass_on(source: impl AsyncRead + Unpin, stream: Stream, output: mpsc::Sender<OutputLine>) {
    let mut lines = BufReader::new(source).split(b'\n');
    while let Some(line) = lines.next_segment().await.unwrap() {
        // As the real one does: 16 KiB a line.
        for part in line.chunks(16 << 10) {
            let text = String::from_utf8_lossy(part).into_owned();
            output.send(OutputLine { stream, text }).await.unwrap();
        }
    }
}
