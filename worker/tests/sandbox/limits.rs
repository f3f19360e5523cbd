//! What hostile commands cannot use up.

use std::fs;
use std::time::Duration;

use schemas::control::Stream;
use worker::sandbox::{Exit, LimitsInForce};

use crate::room::{World, exists_on_host, processes_with, texts};

/// The most memory this process ever had, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_gigabyte_of_output_is_counted_and_costs_no_memory() {
    const PRINTED: u64 = 1 << 30;
    let Some(mut world) = World::new().await else { return };
    world.command.command = format!("yes | head -c {PRINTED}");
    world.command.timeout = Duration::from_secs(300);
    let before = peak_memory();
    let (exit, lines) = world.run(&world.command).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    let passed: usize = texts(&lines, Stream::Stdout).iter().map(|line| line.len() + 1).sum();
    assert_eq!(passed as u64, world.command.limits.output);
    let dropped = PRINTED - world.command.limits.output;
    let last = lines.last().unwrap();
    assert_eq!(last.stream, Stream::Worker);
    assert!(last.text.starts_with(&format!("{dropped} more bytes")), "{}", last.text);
    // The lines that the test itself keeps are a part of it.
    assert!(peak_memory() - before < 128 << 20);
}

#[tokio::test]
async fn one_endless_line_is_bounded_too() {
    let Some(world) = World::new().await else { return };
    let (exit, printed) = world.sh("head -c 100000000 /dev/zero | tr '\\0' x").await;
    assert_eq!(exit, Exit::Code(0));
    assert!(printed.lines().all(|line| line.len() <= 16 * 1024));
    assert!(printed.len() < 2 << 20);
}

#[tokio::test]
async fn a_fork_bomb_stays_inside_and_dies() {
    let Some(mut world) = World::new().await else { return };
    let mark = format!("bomb-{}", world.folder.path().file_name().unwrap().to_string_lossy());
    world.command.limits.processes = 64;
    world.command.timeout = Duration::from_secs(2);
    let bomb = format!("bomb() {{ bomb {mark} | bomb & }}; bomb; while :; do :; done");
    let (exit, _) = world.sh(&bomb).await;
    assert_eq!(exit, Exit::TimedOut);
    assert!(processes_with(&mark).is_empty());
}

#[tokio::test]
async fn processes_are_counted_for_the_sandbox_alone() {
    let Some(mut world) = World::new().await else { return };
    world.command.limits.processes = 32;
    let command = r#"
        (while :; do sleep 100 & done) 2>/dev/null
        set -- /proc/[0-9]*; echo $#
    "#;
    // Twice at once: each has its own count, though both are one user of the host.
    let (first, second) = tokio::join!(world.sh(command), world.sh(command));
    for (_, printed) in [first, second] {
        let count: u32 = printed.lines().last().and_then(|line| line.parse().ok()).unwrap_or(0);
        assert!((20..=32).contains(&count), "{printed}");
    }
}

#[tokio::test]
async fn a_memory_bomb_fails_and_spares_the_host() {
    let Some(mut world) = World::new().await else { return };
    if !exists_on_host("perl") {
        return;
    }
    world.command.limits.memory = 256 << 20;
    let bomb = r#"perl -e '$x = "a" x (1 << 29); print "allocated\n"'"#;
    let (exit, printed) = world.sh(bomb).await;
    assert!(!printed.contains("allocated"), "{printed}");
    match world.sandbox.limits_in_force() {
        LimitsInForce::Cgroup(_) => assert_eq!(exit, Exit::Limit("memory".to_owned())),
        LimitsInForce::Rlimits { .. } => assert_ne!(exit, Exit::Code(0)),
    }
    world.command.limits.memory = 2 << 30;
    assert_eq!(world.sh(bomb).await, (Exit::Code(0), "allocated".to_owned()));
}

#[tokio::test]
async fn a_file_may_not_grow_beyond_its_limit() {
    let Some(mut world) = World::new().await else { return };
    world.command.limits.file_size = 1 << 20;
    let (exit, _) = world.sh("cat /dev/zero >/workspace/big").await;
    assert_eq!(exit, Exit::Limit("file size".to_owned()));
    assert_eq!(fs::metadata(world.workspace().join("big")).unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn memory_that_looks_like_a_disk_is_bounded() {
    let Some(world) = World::with(|options| options.tmp_bytes = 8 << 20).await else { return };
    let fill = |folder: &str| {
        format!(
            "i=0; while head -c 1000000 /dev/zero 2>/dev/null >{folder}/$i && [ $i -lt 400 ]; do i=$((i + 1)); done; echo $i"
        )
    };
    assert_eq!(world.sh(&fill("/tmp")).await.1, "8");
    let (_, shared) = world.sh(&fill("/dev/shm")).await;
    assert!(shared.parse::<u32>().unwrap() < 300, "{shared}");
    for read_only in ["/", "/dev", "/run", "/etc", "/var", "/home", "/root"] {
        assert_eq!(world.sh(&fill(read_only)).await.1, "0", "{read_only}");
    }
}

#[tokio::test]
async fn descriptors_and_core_dumps_are_limited() {
    let Some(world) = World::new().await else { return };
    let (_, printed) = world.sh("ulimit -c; ulimit -H -c; ulimit -H -n").await;
    let limits: Vec<u64> = printed.lines().map(|line| line.parse().unwrap()).collect();
    assert!(matches!(limits[..], [0, 0, files] if files <= 65_536), "{printed}");
    assert_eq!(world.sh("ulimit -f unlimited").await.1.lines().count(), 1, "a hard limit was raised");
    assert_eq!(world.sh("cat /proc/self/oom_score_adj").await.1, "1000");
}

#[tokio::test]
async fn without_a_delegated_cgroup_the_reason_is_told() {
    let Some(world) = World::with(|options| options.cgroup = Some("/proc/self".into())).await else { return };
    let limits = world.sandbox.limits_in_force();
    assert!(
        matches!(&limits, LimitsInForce::Rlimits { because } if because.contains("/proc/self")),
        "{limits}"
    );
    assert!(limits.to_string().contains("each process"));
}
