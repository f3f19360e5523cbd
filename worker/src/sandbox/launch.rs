//! Starts `bwrap`: one process, with exactly the files and limits that it is meant to have.
//!
//! All starts happen on one thread that lives as long as the sandbox: the kernel binds
//! `--die-with-parent` (PR_SET_PDEATHSIG, prctl(2)) to the *thread* that forked, and a runtime's
//! threads may end while a command runs.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::arguments::Inherited;

/// What `bwrap` itself starts with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) program: &'a Path,
    /// The number of the file that holds the options.
    pub(super) options: String,
    /// What runs inside.
    pub(super) inside: &'a [&'a OsStr],
    pub(super) inherited: Inherited,
    pub(super) rlimits: Vec<(Resource, rlim_t)>,
    /// `cgroup.procs` of the cgroup to join.
    pub(super) cgroup: Option<File>,
    /// User and group to become first.
    pub(super) run_as: Option<(u32, u32)>,
}

impl Start<'_> {
    fn command(self) -> Command {
        let mut command = Command::new(self.program);
        command.args(["--args", &self.options, "--"]).args(self.inside);
        // Nothing of the worker's environment, and nothing that could steer the host's loader.
        command.env_clear().current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A Ctrl-C at the worker's terminal is the worker's business.
        command.process_group(0).kill_on_drop(true);
        if let Some((user, group)) = self.run_as {
            command.uid(user).gid(group);
        }
        prepare(&mut command, self.inherited, self.rlimits, self.cgroup);
        command
    }
}

#[expect(unsafe_code, reason = "rlimits, cgroup and inherited files are set between fork and exec")]
fn prepare(
    command: &mut Command,
    inherited: Inherited,
    rlimits: Vec<(Resource, rlim_t)>,
    cgroup: Option<File>,
) {
    let set_up = move || {
        if let Some(entrance) = &cgroup {
            nix::unistd::write(entrance, b"0")?;
        }
        for (resource, value) in &rlimits {
            setrlimit(*resource, *value, *value)?;
        }
        close_on_exec()?;
        for file in inherited.as_slice() {
            keep(file)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec of a program with threads only async-signal-safe functions may
    // run (signal-safety(7)). The closure borrows what was allocated before the fork and makes four
    // system calls, `write`, `setrlimit`, `close_range` and `fcntl`, through wrappers that neither
    // allocate nor lock; an errno becomes an `io::Error` without allocating.
    unsafe {
        command.pre_exec(set_up);
    }
}

/// Files that the worker inherited itself, from a shell or a service manager, stay outside.
#[expect(unsafe_code, reason = "close_range(2) has no safe wrapper in the libraries used here")]
fn close_on_exec() -> io::Result<()> {
    // SAFETY: with CLOSE_RANGE_CLOEXEC the call closes nothing now; it only sets a flag on
    // descriptors of the child, which is about to exec. It takes no pointers.
    let done = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn keep(file: &OwnedFd) -> nix::Result<()> {
    fcntl(file.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).map(drop)
}

struct Request {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// The thread that starts everything.
#[derive(Debug)]
pub(super) struct Launcher(mpsc::UnboundedSender<Request>);

impl Launcher {
    pub(super) fn new() -> io::Result<Self> {
        let (sender, mut requests) = mpsc::unbounded_channel::<Request>();
        std::thread::Builder::new().name("sandbox-launcher".to_owned()).spawn(move || {
            while let Some(Request { mut command, runtime, reply }) = requests.blocking_recv() {
                let _guard = runtime.enter();
                // Nobody waits any more: the child is killed on drop.
                let _ = reply.send(command.spawn());
            }
        })?;
        Ok(Self(sender))
    }

    pub(super) async fn launch(&self, start: Start<'_>) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let request = Request { command: start.command(), runtime: Handle::current(), reply };
        let gone = || io::Error::other("the thread that starts sandboxes has ended");
        self.0.send(request).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
