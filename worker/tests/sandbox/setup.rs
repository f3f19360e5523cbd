//! Finding bubblewrap, options that would open doors, and the self-probe.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use worker::sandbox::{Bubblewrap, BubblewrapOptions, Exit, Sandbox, SandboxError};

use crate::room::{World, open_folder};

#[tokio::test]
async fn the_self_probe_passes_here() {
    let Some(world) = World::new().await else { return };
    world.sandbox.probe().await.unwrap();
    let left: Vec<_> =
        fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the probe cleans up: {left:?}");
    assert!(world.sandbox.describe().starts_with("bubblewrap "));
}

/// A `bwrap` that weakens the sandbox on its way to the real one: `edit` is for `sed` and gets one
/// option or operand a line.
fn weakened(folder: &Path, edit: &str) -> PathBuf {
    let program = folder.join("bwrap");
    let script = format!(
        r#"#!/bin/sh
        real=$(PATH=/usr/bin:/bin:/usr/local/bin command -v bwrap)
        [ "$1" = --version ] && exec "$real" --version
        options=$(mktemp)
        tr '\0' '\n' </proc/self/fd/$2 | sed '{edit}' | tr '\n' '\0' >"$options"
        cat "$options" >/proc/self/fd/$2; rm "$options"
        exec "$real" "$@""#
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[tokio::test]
async fn the_self_probe_finds_a_sandbox_that_is_weaker_than_it_should_be() {
    for (edit, said) in [
        ("", ""),
        ("s/^--unshare-net$/--share-net/", "leaks"),
        ("/^--unshare-ipc$/d", "the ipc namespace"),
        ("/^--seccomp$/{s/.*/--file/;n;s|$|\\n/workspace/x|}", "syscall_"),
        ("s/^--as-pid-1$/--die-with-parent/", "own_init"),
        (r"$a--bind\n/proc\n/proc", "host_processes"),
        (r"$a--ro-bind\n/\n/run", "read_run"),
        (r"$a--ro-bind\n/etc\n/etc", "host_etc"),
        (r"$a--setenv\nWORKER_KEY\nsecret", "WORKER_KEY"),
        ("/^--remount-ro$/,+1d", "write_"),
        ("s/^--ro-bind$/--bind/", "write_event"),
        (r"$a--tmpfs\n/usr", "execvp /bin/sh"),
        (r"$a--tmpfs\n/event", "_event"),
        (r"$a--no-such-option", "0.8 or newer"),
    ] {
        let folder = open_folder();
        let program = weakened(folder.path(), edit);
        let Some(world) = World::with(|options| options.program = Some(program)).await else { return };
        match world.sandbox.probe().await {
            Ok(()) => assert_eq!(edit, ""),
            Err(error) => {
                assert!(matches!(error, SandboxError::Leaks(_) | SandboxError::Refused { .. }), "{error:?}");
                assert!(!edit.is_empty() && error.to_string().contains(said), "{edit}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_missing_or_old_bubblewrap_is_named() {
    let folder = open_folder();
    let find = async |program: PathBuf| {
        let mut options = BubblewrapOptions::new(folder.path());
        options.program = Some(program);
        Bubblewrap::find(options).await
    };
    let missing = find("/nowhere/bwrap".into()).await;
    assert!(matches!(missing, Err(SandboxError::Missing(_))), "{missing:?}");
    let old = folder.path().join("bwrap");
    fs::write(&old, "#!/bin/sh\necho bubblewrap 0.4.1\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let old = find(old).await;
    assert!(
        matches!(&old, Err(SandboxError::Refused { message, .. }) if message.contains("0.4.1")),
        "{old:?}"
    );
}

#[tokio::test]
async fn a_toolchain_folder_may_not_open_a_door() {
    let folder = open_folder();
    fs::create_dir_all(folder.path().join("data/inside")).unwrap();
    fs::create_dir_all(folder.path().join("cargo/.ssh")).unwrap();
    std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
    let below = |name: &str| folder.path().join(name);
    for (toolchain, why) in [
        (PathBuf::from("/"), "contains"),
        ("/etc".into(), "/etc"),
        ("/etc/ssl".into(), "/etc"),
        ("/root".into(), "/root"),
        ("/home".into(), "/home"),
        ("/var".into(), "/var"),
        ("/proc/self/root".into(), "contains"),
        ("/tmp".into(), "/tmp"),
        ("/run".into(), "/run"),
        ("/nowhere/at/all".into(), "No such file"),
        ("relative".into(), "absolute"),
        ("/usr/../etc".into(), "`..`"),
        ("/etc/passwd".into(), "not a folder"),
        (below(""), "data_dir"),
        (below("data"), "data_dir"),
        (below("data/inside"), "data_dir"),
        (below("link"), "/etc"),
        (below("cargo"), ".ssh"),
        (below("cargo/.ssh"), ".ssh"),
    ] {
        let mut options = BubblewrapOptions::new(folder.path().join("data"));
        options.toolchains.push(toolchain.clone());
        let found = Bubblewrap::find(options).await;
        let Err(SandboxError::Refused { message, .. }) = found else { panic!("{toolchain:?}: {found:?}") };
        assert!(message.contains(why), "{toolchain:?}: {message}");
    }
}

#[tokio::test]
async fn a_toolchain_is_shown_read_only_and_comes_first() {
    let tools = open_folder();
    let bin = tools.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("git"), "#!/bin/sh\necho our own git\n").unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(world) = World::with(|options| options.toolchains.push(tools.path().to_owned())).await else {
        return;
    };
    assert_eq!(world.sh("git").await, (Exit::Code(0), "our own git".to_owned()));
    let (exit, _) = world.sh(&format!("echo x >{}", bin.join("git").display())).await;
    assert_ne!(exit, Exit::Code(0));
}

#[tokio::test]
async fn only_root_chooses_another_user_and_never_root() {
    let Some(world) = World::new().await else { return };
    let root = nix::unistd::geteuid().is_root();
    assert_eq!(world.sandbox.host_ids(), root.then_some((65_534, 65_534)));
    for (ids, allowed) in [((0, 0), false), ((0, 1000), false), ((1000, 0), false), ((4711, 4711), root)] {
        let mut options = BubblewrapOptions::new(world.folder.path());
        options.run_as = Some(ids);
        assert_eq!(Bubblewrap::find(options).await.is_ok(), allowed, "{ids:?}");
    }
    // What a sandbox leaves belongs to nobody of importance, and inside it is its own.
    assert_eq!(world.sh("echo x >file; id -u; id -un; stat -c %u file").await.1, "1000\nagent\n1000");
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(world.workspace().join("file")).unwrap());
    assert_eq!(owner, world.sandbox.host_ids().map_or(nix::unistd::geteuid().as_raw(), |(user, _)| user));
}
