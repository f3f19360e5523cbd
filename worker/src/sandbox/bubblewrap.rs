//! The default sandbox: bubblewrap, unprivileged, one `bwrap` process per command.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use nix::libc;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::arguments::Inherited;
use super::cgroup::{Group, Parent};
use super::launch::{Launcher, Start};
use super::layout::{Layout, working_directory};
use super::limits::{INIT, processes, rlimits};
use super::refusal::Policy;
use super::supervise::{Ending, supervise};
use super::{
    BubblewrapOptions, Exit, LimitsInForce, OutputLine, Sandbox, SandboxCommand, SandboxError, filter,
    options, output, probe,
};

/// Older ones cannot limit a tmpfs or forbid further user namespaces.
const OLDEST: (u32, u32) = (0, 8);

/// How long a listener that does not listen may hold up the end.
const LISTENER_PATIENCE: Duration = Duration::from_secs(2);

/// Root's sandboxes run as this user and group unless told otherwise: `nobody`.
const NOBODY: (u32, u32) = (65_534, 65_534);

/// Commands in bubblewrap's namespaces, behind a seccomp filter, without network, with limits.
#[derive(Debug)]
pub struct Bubblewrap {
    program: PathBuf,
    version: String,
    data_dir: PathBuf,
    run_as: Option<(u32, u32)>,
    layout: Layout,
    filter: Vec<u8>,
    cgroup: Result<Parent, String>,
    launcher: Launcher,
}

impl Bubblewrap {
    /// Finds `bwrap`, checks its version and the options, and prepares all that is the same for
    /// every command. It does not try a sandbox: that is [`Sandbox::probe`].
    ///
    /// # Errors
    /// `Missing` without `bwrap`; `Refused` for a version that is too old, a toolchain folder that
    /// would open a door, or `run_as` root or without being root.
    pub async fn find(options: BubblewrapOptions) -> Result<Self, SandboxError> {
        let program = match options.program {
            Some(program) => program,
            None => search_path("bwrap").map_err(SandboxError::Missing)?,
        };
        let version = version(&program).await?;
        let toolchains = options
            .toolchains
            .iter()
            .map(|folder| options::toolchain(folder, &options.data_dir))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            version,
            program,
            run_as: host_ids(options.run_as)?,
            layout: Layout::of_host(&toolchains, options.tmp_bytes)?,
            filter: filter::compile()?,
            cgroup: Parent::find(options.cgroup.as_deref()),
            launcher: Launcher::new()?,
            data_dir: options.data_dir,
        })
    }

    /// The host's user and group of sandboxed processes, when they are not the worker's own. The
    /// workspace, home and data folders of a [`super::Room`] have to belong to them, and every
    /// folder above has to let them through (`x`).
    #[must_use]
    pub fn host_ids(&self) -> Option<(u32, u32)> {
        self.run_as
    }

    /// Who enforces memory and process limits here.
    #[must_use]
    pub fn limits_in_force(&self) -> LimitsInForce {
        match &self.cgroup {
            Ok(parent) => LimitsInForce::Cgroup(parent.folder().to_owned()),
            Err(because) => LimitsInForce::Rlimits { because: because.clone() },
        }
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    fn start<'a>(
        &'a self,
        command: &SandboxCommand,
        inside: &'a [&'a OsStr],
        group: Option<&Group>,
    ) -> io::Result<(Start<'a>, pipe::Receiver)> {
        let mut inherited = Inherited::default();
        let mut arguments = self.layout.arguments(command, &mut inherited)?;
        let filter = inherited.content(&self.filter)?;
        let (reports, report_to) = io::pipe()?;
        let report_to = inherited.add(report_to.into());
        arguments.own(["--seccomp", &filter, "--json-status-fd", &report_to])?;
        let options = inherited.content(arguments.as_bytes())?;
        let start = Start {
            program: &self.program,
            options,
            inside,
            inherited,
            rlimits: rlimits(&command.limits, group.is_some())?,
            cgroup: group.map(Group::entrance).transpose()?,
            run_as: self.run_as,
        };
        Ok((start, pipe::Receiver::from_owned_fd(OwnedFd::from(reports))?))
    }

    fn exit(&self, ending: Ending, words: &str, group: Option<&Group>) -> Result<Exit, SandboxError> {
        if let Some(killed) = ending.killed {
            return Ok(killed);
        }
        if group.is_some_and(Group::out_of_memory) {
            return Ok(Exit::Limit("memory".to_owned()));
        }
        match ending.code {
            Some(code) if code == 128 + libc::SIGXFSZ => Ok(Exit::Limit("file size".to_owned())),
            Some(code) => Ok(Exit::Code(code)),
            None => Err(Policy::of_host().explain(words, &self.program, self.run_as)),
        }
    }
}

#[async_trait]
impl Sandbox for Bubblewrap {
    fn describe(&self) -> String {
        let limits = if self.cgroup.is_ok() { "cgroup v2" } else { "rlimits" };
        format!("{} ({limits})", self.version)
    }

    async fn probe(&self) -> Result<(), SandboxError> {
        probe::probe(self).await
    }

    async fn run(
        &self,
        command: &SandboxCommand,
        output: mpsc::Sender<OutputLine>,
        stop: CancellationToken,
    ) -> Result<Exit, SandboxError> {
        let directory = working_directory(&command.working_directory)?;
        let processes = processes(&command.limits)?;
        let inside = ["/bin/sh", "-c", INIT, "sh", &command.command].map(OsStr::new);
        let inside = [&inside[..], &[directory.as_os_str(), OsStr::new(&processes)]].concat();
        let group = match &self.cgroup {
            Ok(parent) => Some(parent.group(&command.limits)?),
            Err(_) => None,
        };
        let (start, reports) = self.start(command, &inside, group.as_ref())?;
        let mut bwrap = self.launcher.launch(start).await?;
        let (Some(stdout), Some(stderr)) = (bwrap.stdout.take(), bwrap.stderr.take()) else {
            return Err(io::Error::other("bwrap was started without pipes").into());
        };

        let relay = output::relay(stdout, stderr, output, command.limits.output);
        let kill_group = || {
            if let Some(Err(error)) = group.as_ref().map(Group::kill) {
                tracing::debug!(%error, "no cgroup.kill; the pid namespace ends with its first process");
            }
        };
        let supervise = supervise(bwrap, reports, command.timeout, &stop, kill_group);
        let (ending, words) = both(supervise, relay, command.timeout, &stop).await?;
        let exit = self.exit(ending, &words, group.as_ref());
        if let Some(group) = group {
            group.remove().await;
        }
        exit
    }
}

/// Runs `supervise` and `relay` to their ends. After a kill, a listener that is stuck does not hold
/// up the end; nor does it otherwise for longer than the command's own timeout.
async fn both(
    supervise: impl Future<Output = io::Result<Ending>>,
    relay: impl Future<Output = String>,
    timeout: Duration,
    stop: &CancellationToken,
) -> io::Result<(Ending, String)> {
    tokio::pin!(supervise, relay);
    let mut words = None;
    let ending = loop {
        tokio::select! {
            ending = &mut supervise => break ending?,
            last = &mut relay, if words.is_none() => words = Some(last),
        }
    };
    if let Some(words) = words {
        return Ok((ending, words));
    }
    let patience = async {
        if ending.killed.is_none() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(timeout) => {}
            }
        }
        tokio::time::sleep(LISTENER_PATIENCE).await;
    };
    let words = tokio::select! {
        words = relay => words,
        () = patience => String::new(),
    };
    Ok((ending, words))
}

fn host_ids(configured: Option<(u32, u32)>) -> Result<Option<(u32, u32)>, SandboxError> {
    let refuse = |message: &str, remedy: &str| {
        Err(SandboxError::Refused { message: message.to_owned(), remedy: remedy.to_owned() })
    };
    match (nix::unistd::geteuid().is_root(), configured) {
        (true, Some((0, _) | (_, 0))) => {
            refuse("a sandbox may not run as root", "choose another user and group for it, or none")
        }
        (true, ids) => Ok(Some(ids.unwrap_or(NOBODY))),
        (false, None) => Ok(None),
        (false, Some(_)) => refuse(
            "only a worker that runs as root can choose the sandbox's user",
            "remove the setting; the sandbox runs as the worker's user",
        ),
    }
}

fn search_path(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{name}` is not in PATH")))
}

/// `bubblewrap 0.8.0`, if it is new enough.
async fn version(program: &Path) -> Result<String, SandboxError> {
    let answer = Command::new(program)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(SandboxError::Missing)?;
    let version = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let mut numbers = version.rsplit(' ').next().unwrap_or_default().split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST => Ok(version),
        _ => Err(SandboxError::Refused {
            message: format!("{} is `{version}`, which is too old or not bubblewrap", program.display()),
            remedy: format!("install bubblewrap {}.{} or newer", OLDEST.0, OLDEST.1),
        }),
    }
}
