//! How long a sandbox takes to start, against the least that bubblewrap can do on this machine.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::bail;
use schemas::{Clock, SystemClock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::sandbox::{Bubblewrap, BubblewrapOptions, Exit, Limits, Room, Sandbox, SandboxCommand};

use crate::spread::{Spread, millis};
use crate::table::{Figure, Table, Target};

/// The least: the same namespaces, the host's files, nothing to run.
pub const BARE: [&str; 8] = ["--ro-bind", "/", "/", "--unshare-all", "--dev", "/dev", "--proc", "/proc"];

const STARTS: usize = 60;

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
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

    // Both take turns, so that a busy moment hits both.
    let clock = SystemClock::new();
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let begin = clock.monotonic();
        let bare = Command::new("bwrap").args(BARE).arg("true").stdin(Stdio::null()).status()?;
        floor.push(clock.monotonic() - begin);

        let (sender, _receiver) = mpsc::channel(16);
        let begin = clock.monotonic();
        let exit = sandbox.run(&command, sender, CancellationToken::new()).await?;
        ours.push(clock.monotonic() - begin);
        if !bare.success() || exit != Exit::Code(0) {
            bail!("a start failed: bare {bare}, ours {exit:?}");
        }
    }
    let begin = clock.monotonic();
    sandbox.probe().await?;
    let probe = clock.monotonic() - begin;

    let (floor, ours): (Spread, Spread) = (floor.into_iter().collect(), ours.into_iter().collect());
    println!("  {}, {}", sandbox.describe(), sandbox.limits_in_force());
    println!(
        "  floor    {floor}\n  ours     {ours}\n  the probe at the start of a worker: {}",
        millis(probe)
    );
    table.add(Figure {
        name: "sandbox: start and end of `true`, p50".to_owned(),
        unit: "ms",
        measured: ours.median().as_secs_f64() * 1e3,
        floor: Some(floor.median().as_secs_f64() * 1e3),
        target: Target::AtMostOfFloor(2.0),
    });
    Ok(())
}
