//! How long a sandbox takes to start, against the least that bubblewrap can do on this machine.
//!
//! Prints the floor (`bwrap --ro-bind / / --unshare-all --dev /dev --proc /proc true`), the
//! sandbox's own time for `true`, and their ratio. The two take turns, so that a busy moment
//! hits both.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Command, Stdio};
use std::time::Duration;

use schemas::{Clock, SystemClock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::sandbox::{Bubblewrap, BubblewrapOptions, Exit, Limits, Room, Sandbox, SandboxCommand};

const STARTS: usize = 30;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let sandbox = Bubblewrap::find(BubblewrapOptions::new(folder.path())).await?;
    for name in ["workspace", "home", "data"] {
        std::fs::create_dir(folder.path().join(name))?;
        if let Some((user, group)) = sandbox.host_ids() {
            chown(folder.path().join(name), Some(user), Some(group))?;
        }
    }
    let command = SandboxCommand {
        room: Room {
            workspace: folder.path().join("workspace"),
            home: folder.path().join("home"),
            data: folder.path().join("data"),
            read_only: Vec::new(),
        },
        command: "true".to_owned(),
        working_directory: String::new(),
        env: BTreeMap::new(),
        timeout: Duration::from_secs(10),
        limits: Limits { memory: 1 << 30, processes: 256, file_size: 1 << 30, output: 1 << 20 },
    };

    let clock = SystemClock::new();
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let begin = clock.monotonic();
        let bare = Command::new("bwrap")
            .args(["--ro-bind", "/", "/", "--unshare-all", "--dev", "/dev", "--proc", "/proc", "true"])
            .stdin(Stdio::null())
            .status()?;
        floor.push(clock.monotonic() - begin);

        let (sender, _receiver) = mpsc::channel(16);
        let begin = clock.monotonic();
        let exit = sandbox.run(&command, sender, CancellationToken::new()).await?;
        ours.push(clock.monotonic() - begin);
        if !bare.success() || exit != Exit::Code(0) {
            return Err(format!("a start failed: bare {bare}, ours {exit:?}").into());
        }
    }
    let begin = clock.monotonic();
    sandbox.probe().await?;
    let probe = clock.monotonic() - begin;

    floor.sort();
    ours.sort();
    println!("{}, {}", sandbox.describe(), sandbox.limits_in_force());
    println!("of {STARTS} starts      median     fastest");
    let at = |times: &[Duration], place: usize| times.get(place).copied().unwrap_or_default();
    let row = |name: &str, times: &[Duration]| {
        println!("{name:<12} {:>10.2?}  {:>10.2?}", at(times, STARTS / 2), at(times, 0));
    };
    row("floor", &floor);
    row("ours", &ours);
    let ratio = |place: usize| at(&ours, place).as_secs_f64() / at(&floor, place).as_secs_f64();
    println!("{:<12} {:>10.2}  {:>10.2}", "ratio", ratio(STARTS / 2), ratio(0));
    println!("self-probe   {probe:>10.2?}");
    Ok(())
}
