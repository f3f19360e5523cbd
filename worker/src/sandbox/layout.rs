//! What a sandboxed process sees: the root filesystem, its names, its environment.
//!
//! An allowlist. Programs and libraries are the host's, read-only; of `/etc` only what programs
//! need to start; everything else is made up or empty. The root itself and `/dev` are read-only,
//! because they are memory without a size limit.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::arguments::{Arguments, Inherited};
use super::{Room, SandboxCommand};

/// Memory that `/dev/shm` may take.
const SHARED_MEMORY_BYTES: &str = "268435456";

/// Host programs and libraries. `/usr` merged or not: a link stays a link.
const PROGRAMS: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/// Packaged, world-readable parts of `/etc`: the linker's cache, certificates, tables. Nothing
/// that an administrator keeps a password in, hence no `gitconfig` and no `npmrc`. Each costs a
/// tenth of a millisecond at every start.
const ETC: [&str; 11] = [
    "/etc/alternatives",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// Made-up files: path and content.
const FILES: [(&str, &str); 4] = [
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\n\
         agent:x:1000:1000:agent:/home/agent:/bin/sh\n\
         nobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    ("/etc/group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n"),
];

/// Namespaces and privileges. `--disable-userns` closes the widest door to the kernel for good.
const WALLS: [&str; 23] = [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--as-pid-1",
    "--clearenv",
    "--cap-drop",
    "ALL",
    "--hostname",
    "sandbox",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
];

/// What is the same for every command, looked up once.
#[derive(Debug)]
pub(super) struct Layout {
    host: Arguments,
    toolchains: Arguments,
    path: String,
}

impl Layout {
    /// The host's layout, with `toolchains` as `(real path, path it is shown at)`.
    pub(super) fn of_host(toolchains: &[(PathBuf, PathBuf)], tmp_bytes: u64) -> io::Result<Self> {
        let mut host = Arguments::default();
        host.own(WALLS)?;
        for program in PROGRAMS.map(Path::new) {
            match program.symlink_metadata() {
                Ok(found) if found.is_symlink() => {
                    let target = program.read_link()?;
                    host.add([OsStr::new("--symlink"), target.as_os_str(), program.as_os_str()])?;
                }
                Ok(found) if found.is_dir() => bind(&mut host, "--ro-bind", program, program)?,
                _ => {}
            }
        }
        for file in ETC.map(Path::new).into_iter().chain(java()?.iter().map(PathBuf::as_path)) {
            if file.exists() {
                bind(&mut host, "--ro-bind-try", file, file)?;
            }
        }
        let tmp_bytes = tmp_bytes.to_string();
        host.own(["--perms", "1777", "--size", &tmp_bytes, "--tmpfs", "/tmp"])?;
        host.own(["--perms", "1777", "--size", SHARED_MEMORY_BYTES, "--tmpfs", "/dev/shm"])?;
        host.own(["--remount-ro", "/dev"])?;
        host.own(["--dir", "/run", "--dir", "/root", "--symlink", "../tmp", "/var/tmp"])?;

        let mut shown = Arguments::default();
        let mut path = Vec::new();
        for (real, place) in toolchains {
            bind(&mut shown, "--ro-bind", real, place)?;
            let programs = place.join("bin");
            path.push(if programs.is_dir() { programs } else { place.clone() });
        }
        path.extend(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from));
        let path =
            std::env::join_paths(path).ok().and_then(|path| path.into_string().ok()).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "a toolchain's path cannot be in PATH")
            })?;
        Ok(Self { host, toolchains: shown, path })
    }

    /// All options for one command; files they refer to go into `inherited`.
    pub(super) fn arguments(
        &self,
        command: &SandboxCommand,
        inherited: &mut Inherited,
    ) -> io::Result<Arguments> {
        let mut arguments = self.host.clone();
        for (path, content) in FILES {
            let file = inherited.content(content.as_bytes())?;
            arguments.own(["--perms", "0444", "--file", &file, path])?;
        }
        arguments.extend(&self.toolchains);
        self.room(&command.room, &mut arguments)?;
        arguments.own(["--remount-ro", "/", "--chdir", "/workspace"])?;
        for (name, value) in
            [("HOME", "/home/agent"), ("PATH", &self.path), ("LANG", "C.UTF-8"), ("TMPDIR", "/tmp")]
        {
            arguments.own(["--setenv", name, value])?;
        }
        for (name, value) in &command.env {
            if name.is_empty() || name.contains('=') {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("`{name}` cannot be the name of an environment variable"),
                ));
            }
            arguments.own(["--setenv", name, value])?;
        }
        Ok(arguments)
    }

    fn room(&self, room: &Room, arguments: &mut Arguments) -> io::Result<()> {
        // Before the workspace, so that a folder above it cannot cover it.
        for folder in &room.read_only {
            bind(arguments, "--ro-bind", folder, folder)?;
        }
        bind(arguments, "--ro-bind", &room.data, Path::new("/event"))?;
        bind(arguments, "--bind", &room.workspace, Path::new("/workspace"))?;
        bind(arguments, "--bind", &room.home, Path::new("/home/agent"))
    }
}

fn bind(arguments: &mut Arguments, option: &str, source: &Path, place: &Path) -> io::Result<()> {
    arguments.add([OsStr::new(option), source.as_os_str(), place.as_os_str()])
}

/// Debian's Java keeps what it needs to start in `/etc/java-<version>`.
fn java() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in Path::new("/etc").read_dir()? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b"java-") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// `working_directory` as a path below `/workspace`; it may lead nowhere else.
pub(super) fn working_directory(below: &str) -> io::Result<PathBuf> {
    let stays =
        Path::new(below).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if stays {
        Ok(Path::new("/workspace").join(below))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the working directory `{below}` has to be a path below the workspace"),
        ))
    }
}
