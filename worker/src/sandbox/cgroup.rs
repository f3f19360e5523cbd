//! A cgroup v2 per command, where one can be had: written as files, without a daemon.
//!
//! Rules from the kernel's `cgroup-v2.rst`: controllers are enabled from the parent, and a cgroup
//! that passes controllers on holds no processes itself. Under systemd that is `Delegate=yes`
//! with `DelegateSubgroup=worker`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Limits;

const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// A cgroup below which we may make others.
#[derive(Debug)]
pub(super) struct Parent {
    folder: PathBuf,
    made: AtomicU64,
}

impl Parent {
    /// The configured folder, or one at or above the worker's own cgroup; else why there is none.
    pub(super) fn find(configured: Option<&Path>) -> Result<Self, String> {
        let folder = match configured {
            Some(folder) => folder.to_owned(),
            None => delegated()?,
        };
        let parent = Self { folder, made: AtomicU64::new(0) };
        // Not a guess: make one, with limits.
        let trial = Limits { memory: 1 << 20, processes: 1, file_size: 0, output: 0 };
        let group = parent.group(&trial).map_err(|error| format!("{}: {error}", parent.folder.display()))?;
        drop(group);
        Ok(parent)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A fresh cgroup with these limits.
    pub(super) fn group(&self, limits: &Limits) -> io::Result<Group> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("sandbox-{}-{number}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = Group { folder };
        group.set("memory.max", &limits.memory.to_string())?;
        group.set("memory.oom.group", "1")?;
        group.set("pids.max", &limits.processes.to_string())?;
        match group.set("memory.swap.max", "0") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {} // a kernel without swap accounting
            other => other?,
        }
        Ok(group)
    }
}

/// One command's cgroup; emptied and removed on drop, as far as that is possible at once.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
}

impl Group {
    /// To be written `0` by the process that joins.
    pub(super) fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.folder.join("cgroup.procs"))
    }

    /// Kills every process in it, at once (Linux 5.14).
    pub(super) fn kill(&self) -> io::Result<()> {
        self.set("cgroup.kill", "1")
    }

    /// True when the kernel killed it for its memory.
    pub(super) fn out_of_memory(&self) -> bool {
        fs::read_to_string(self.folder.join("memory.events")).is_ok_and(|events| {
            events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
        })
    }

    /// Removes it once the kernel has let go of its last process.
    pub(super) async fn remove(self) {
        for _ in 0..100 {
            match fs::remove_dir(&self.folder) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                _ => return,
            }
        }
        tracing::warn!(cgroup = %self.folder.display(), "a sandbox's cgroup could not be removed");
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.folder.join(file))?.write_all(value.as_bytes())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Finds a cgroup that passes `memory` and `pids` on to its children.
fn delegated() -> Result<PathBuf, String> {
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    let root = mounts.lines().find_map(cgroup2).ok_or("cgroup v2 is not mounted")?;
    let own = read(Path::new("/proc/self/cgroup"))?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("the worker has no cgroup v2")?;
    let own = root.join(own);
    if let Some(above) = own.parent()
        && own != root
        && has_controllers(&above.join("cgroup.subtree_control"))?
    {
        return Ok(above.to_owned());
    }
    if !has_controllers(&own.join("cgroup.controllers"))? {
        return Err(format!("{} has not both controllers, memory and pids", own.display()));
    }
    if own == root {
        return Err("the worker runs in the root cgroup".to_owned());
    }
    step_aside(&own).map_err(|error| format!("{} is not delegated to the worker: {error}", own.display()))?;
    Ok(own)
}

/// Moves the worker into a child, if it is alone, so that its cgroup can pass controllers on.
fn step_aside(own: &Path) -> io::Result<()> {
    let pid = std::process::id().to_string();
    if fs::read_to_string(own.join("cgroup.procs"))?.lines().any(|line| line != pid) {
        return Err(io::Error::other("other processes live there"));
    }
    let child = own.join("worker");
    match fs::create_dir(&child) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    fs::write(child.join("cgroup.procs"), &pid)?;
    fs::write(own.join("cgroup.subtree_control"), "+memory +pids")
}

fn has_controllers(file: &Path) -> Result<bool, String> {
    let listed = read(file)?;
    Ok(CONTROLLERS.iter().all(|wanted| listed.split_whitespace().any(|name| name == *wanted)))
}

/// The mount point of a `mountinfo` line (proc(5)) that mounts cgroup v2.
fn cgroup2(line: &str) -> Option<PathBuf> {
    let (mount, filesystem) = line.split_once(" - ")?;
    filesystem.starts_with("cgroup2 ").then(|| mount.split(' ').nth(4).map(PathBuf::from))?
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
