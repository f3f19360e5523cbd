//! The sandbox tried from inside: what must fail, and what must work.
//!
//! One sandbox runs `probe/inside.sh`; listeners and canaries on the host side are real, and the
//! namespaces it reports are compared with the worker's own. Anything unanswered counts as a leak.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::time::Duration;

use nix::libc;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Bubblewrap, Exit, Limits, OutputLine, Room, Sandbox, SandboxCommand, SandboxError};

const INSIDE: &str = include_str!("probe/inside.sh");

const TIMEOUT: Duration = Duration::from_secs(30);

/// A build that is out of its mind should not fail the probe, but a probe needs little.
const LIMITS: Limits = Limits { memory: 1 << 30, processes: 64, file_size: 1 << 26, output: 1 << 20 };

/// Environment that is the sandbox's own, beside the probe's; `_`, `PWD`, `OLDPWD` and `SHLVL` are
/// set by shells.
const ENVIRONMENT: [&str; 8] = ["HOME", "PATH", "LANG", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"];

/// Calls that must be refused, with harmless arguments: `name, number, arguments`.
const CALLS: [(&str, i64, &str); 9] = [
    ("ptrace", libc::SYS_ptrace, "16,-1,0,0"), // PTRACE_ATTACH to nobody
    ("process_vm_readv", libc::SYS_process_vm_readv, "1,0,0,0,0,0"),
    ("keyctl", libc::SYS_keyctl, "0,-3,0"),
    ("bpf", libc::SYS_bpf, "0,0,0"),
    ("perf_event_open", libc::SYS_perf_event_open, "0,0,-1,-1,0"),
    ("userfaultfd", libc::SYS_userfaultfd, "0"),
    ("io_uring_setup", libc::SYS_io_uring_setup, "1,0"),
    ("setns", libc::SYS_setns, "0,0"),
    ("netlink_netfilter", libc::SYS_socket, "16,3,12"),
];

/// What the host holds up for the sandbox to see if it could.
struct Bait {
    folder: TempDir,
    tcp: TcpListener,
    unix: UnixListener,
    env: BTreeMap<String, String>,
}

impl Bait {
    fn lay(sandbox: &Bubblewrap) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("sandbox-probe-").tempdir_in(sandbox.data_dir())?;
        // Open to everybody on the host: only the sandbox's own walls may hide it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let canary = folder.path().join("canary");
        fs::write(&canary, "canary\n")?;
        for name in ["workspace", "home", "data"] {
            fs::create_dir(folder.path().join(name))?;
            if let Some((user, group)) = sandbox.host_ids() {
                chown(folder.path().join(name), Some(user), Some(group))?;
            }
        }
        let event = folder.path().join("data/probe");
        fs::write(&event, "event\n")?;
        fs::set_permissions(&event, fs::Permissions::from_mode(0o644))?;

        let tcp = TcpListener::bind("127.0.0.1:0")?;
        tcp.set_nonblocking(true)?;
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        unix.set_nonblocking(true)?;
        let calls = CALLS.map(|(name, number, arguments)| format!("{name},{number},{arguments}"));
        let home = std::env::home_dir().unwrap_or_else(|| "/root".into());
        let env = [
            ("PROBE_HOME", home.display().to_string()),
            ("PROBE_CANARY", canary.display().to_string()),
            ("PROBE_SOCKET", name),
            ("PROBE_PORT", tcp.local_addr()?.port().to_string()),
            ("PROBE_PID", std::process::id().to_string()),
            ("PROBE_CALLS", calls.join(" ")),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Self { folder, tcp, unix, env })
    }

    fn command(&self) -> SandboxCommand {
        let room = |name: &str| self.folder.path().join(name);
        SandboxCommand {
            room: Room {
                workspace: room("workspace"),
                home: room("home"),
                data: room("data"),
                read_only: Vec::new(),
            },
            command: INSIDE.to_owned(),
            working_directory: String::new(),
            env: self.env.clone(),
            timeout: TIMEOUT,
            limits: LIMITS,
        }
    }

    /// Whether somebody reached a listener.
    fn taken(&self) -> bool {
        let waits = |error: io::Error| error.kind() == ErrorKind::WouldBlock;
        !self.tcp.accept().is_err_and(waits) || !self.unix.accept().is_err_and(waits)
    }
}

/// Tries the sandbox, as it would run a command.
pub(super) async fn probe(sandbox: &Bubblewrap) -> Result<(), SandboxError> {
    let bait = Bait::lay(sandbox)?;
    let (sender, mut receiver) = mpsc::channel::<OutputLine>(256);
    let collect = async {
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push(line.text);
        }
        lines
    };
    let command = bait.command();
    let run = async { tokio::join!(sandbox.run(&command, sender, CancellationToken::new()), collect) };
    // Who reaches a listener may wait there for an answer; a leak need not wait along.
    let caught = async {
        while !bait.taken() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (exit, lines) = tokio::select! {
        answered = run => answered,
        () = caught => return Err(reached()),
    };
    let exit = exit?;
    if bait.taken() {
        return Err(reached());
    }
    judge(&lines, &exit, |space| fs::read_link(Path::new("/proc/self/ns").join(space)).ok())
}

fn reached() -> SandboxError {
    SandboxError::Leaks("a listener on the host was reached".to_owned())
}

/// Leaks count before anything else that is wrong.
fn judge(
    lines: &[String],
    exit: &Exit,
    outside: impl Fn(&str) -> Option<std::path::PathBuf>,
) -> Result<(), SandboxError> {
    let mut answered = BTreeSet::new();
    let mut broken = Vec::new();
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest.split_once(' ')) {
            ("LEAKS", _) => return Err(SandboxError::Leaks(rest.to_owned())),
            ("BROKEN", _) => broken.push(rest),
            ("fact", Some(("env", name))) if ENVIRONMENT.contains(&name) || name.starts_with("PROBE_") => {}
            ("fact", Some(("env", name))) => {
                return Err(SandboxError::Leaks(format!("the environment variable {name}")));
            }
            ("fact", Some((space, inside))) => {
                if outside(space).is_none_or(|outside| outside == Path::new(inside)) {
                    return Err(SandboxError::Leaks(format!("the {space} namespace")));
                }
                answered.insert(space);
            }
            ("held" | "works", _) => {
                answered.insert(rest);
            }
            _ => {}
        }
    }
    let expected = INSIDE.lines().filter_map(|line| {
        let mut words = line.split(' ');
        matches!(words.next(), Some("fails" | "works")).then(|| words.next()).flatten()
    });
    let spaces = ["ipc", "mnt", "net", "pid", "user", "uts"];
    if let Some(silent) =
        expected.chain(spaces).find(|name| !answered.contains(name) && !broken.contains(name))
    {
        let last = lines.last().map_or("nothing", String::as_str);
        return Err(SandboxError::Leaks(format!("`{silent}` was not answered ({exit:?}; last: {last})")));
    }
    match broken.as_slice() {
        [] => Ok(()),
        broken => Err(SandboxError::Refused {
            message: format!("inside the sandbox this does not work: {}", broken.join(", ")),
            remedy: "install git below /usr, or name the folder it is in as a toolchain; the rest \
                     needs bubblewrap 0.8 and Linux 5.14 or newer"
                .to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
