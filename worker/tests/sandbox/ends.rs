//! How commands end: by themselves, at a timeout, on a stop; and that nobody survives.

use std::fs;
use std::time::Duration;

use schemas::control::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::sandbox::{Exit, Sandbox, SandboxCommand, SandboxError};

use crate::room::{World, processes_with, texts};

#[tokio::test]
async fn exit_codes_are_the_commands_own() {
    let Some(world) = World::new().await else { return };
    for (command, code) in [
        ("true", 0),
        ("false", 1),
        ("exit 42", 42),
        ("exit 125", 125),
        ("no-such-program", 127),
        ("/etc/passwd", 126),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
        ("kill -SEGV $$", 139),
        ("sh -c 'kill -ABRT $$'", 134),
        ("true | false", 1),
        ("cd /workspace && exec sh -c 'exit 7'", 7),
        ("if", 2),
    ] {
        let (exit, printed) = world.sh(command).await;
        assert_eq!(exit, Exit::Code(code), "{command}: {printed}");
    }
}

#[tokio::test]
async fn both_streams_arrive_line_by_line() {
    let Some(world) = World::new().await else { return };
    let command = SandboxCommand {
        command: r"printf 'one\ntwo\n'; printf 'bad \377 \033[31mred\033[0m\n' >&2; printf last".to_owned(),
        ..world.command.clone()
    };
    let (exit, lines) = world.run(&command).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    assert_eq!(texts(&lines, Stream::Stdout), ["one", "two", "last"]);
    assert_eq!(texts(&lines, Stream::Stderr), ["bad \u{fffd} red"]);
    assert_eq!(texts(&lines, Stream::Worker), [""; 0]);
}

/// Processes that do everything to outlive their parent. `$MARK` is in their command lines.
const SURVIVORS: &str = r#"
    sleeper='trap "" TERM HUP INT; echo up >>/workspace/up; while :; do sleep 1000; done'
    sh -c "$sleeper" "$MARK-background" &
    (setsid sh -c "$sleeper" "$MARK-own-session" </dev/null >/dev/null 2>&1 &)
    (sh -c "sh -c '$sleeper' $MARK-double-forked &" &)
    nohup sh -c "$sleeper" "$MARK-nohup" >/dev/null 2>&1 &
    while [ "$(cat /workspace/up 2>/dev/null | wc -l)" -lt 4 ]; do sleep 0.01; done
    echo ready
"#;

fn survivors(world: &mut World, then: &str) -> String {
    let mark = format!("mark-{}", world.folder.path().file_name().unwrap().to_string_lossy());
    world.command.env.insert("MARK".to_owned(), mark.clone());
    world.command.command = format!("{SURVIVORS}\n{then}");
    mark
}

#[tokio::test]
async fn background_processes_end_with_the_command() {
    let Some(mut world) = World::new().await else { return };
    let mark = survivors(&mut world, "exit 3");
    let (exit, _) = world.run(&world.command).await;
    assert_eq!(processes_with(&mark), [""; 0].map(std::path::PathBuf::from));
    assert_eq!(exit.unwrap(), Exit::Code(3));
}

#[tokio::test]
async fn a_timeout_kills_the_whole_tree_before_it_returns() {
    let Some(mut world) = World::new().await else { return };
    let mark = survivors(&mut world, "trap '' TERM; while :; do sleep 1000; done");
    world.command.timeout = Duration::from_secs(2);
    let (exit, lines) = world.run(&world.command).await;
    assert!(processes_with(&mark).is_empty());
    assert_eq!(exit.unwrap(), Exit::TimedOut);
    assert_eq!(texts(&lines, Stream::Stdout), ["ready"]);
}

#[tokio::test]
async fn a_stop_kills_the_whole_tree_before_it_returns() {
    let Some(mut world) = World::new().await else { return };
    let mark = survivors(&mut world, "while :; do sleep 1000; done");
    let (exit, _) = world.stop_when_ready(&world.command.command).await;
    assert!(processes_with(&mark).is_empty());
    assert_eq!(exit, Exit::Stopped);
}

#[tokio::test]
async fn stopped_before_it_began_it_does_not_run_on() {
    let Some(world) = World::new().await else { return };
    let stop = CancellationToken::new();
    stop.cancel();
    let command = SandboxCommand { command: "sleep 1000".to_owned(), ..world.command.clone() };
    let (sender, _receiver) = mpsc::channel(16);
    assert_eq!(world.sandbox.run(&command, sender, stop).await.unwrap(), Exit::Stopped);
}

#[tokio::test]
async fn a_dropped_run_takes_its_processes_along() {
    let Some(mut world) = World::new().await else { return };
    let mark = survivors(&mut world, "while :; do sleep 1000; done");
    let (sender, mut receiver) = mpsc::channel(16);
    {
        let run = world.sandbox.run(&world.command, sender, CancellationToken::new());
        tokio::pin!(run);
        loop {
            tokio::select! {
                exit = &mut run => panic!("{exit:?}"),
                line = receiver.recv() => if line.is_some_and(|line| line.text == "ready") { break },
            }
        }
        assert!(processes_with(&mark).len() >= 4);
    }
    // The kernel does this on its own time.
    let gone = async {
        while !processes_with(&mark).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("processes survived the run");
}

#[tokio::test]
async fn a_listener_that_never_listens_does_not_hold_up_a_timeout() {
    let Some(mut world) = World::new().await else { return };
    world.command.command = "yes".to_owned();
    world.command.timeout = Duration::from_millis(300);
    let (sender, _never_read) = mpsc::channel(1);
    let run = world.sandbox.run(&world.command, sender, CancellationToken::new());
    let exit = tokio::time::timeout(Duration::from_secs(30), run).await.expect("the run hangs");
    assert_eq!(exit.unwrap(), Exit::TimedOut);
}

#[tokio::test]
async fn a_command_may_delete_its_workspace() {
    let Some(world) = World::new().await else { return };
    fs::write(world.workspace().join("file"), "x").unwrap();
    let (exit, _) = world.sh("mkdir -p a/b && rm -rf /workspace/* && ls -A").await;
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(fs::read_dir(world.workspace()).unwrap().count(), 0);

    fs::write(world.workspace().join("file"), "x").unwrap();
    let (exit, printed) = world.sh("rm -rf /workspace /home/agent /event; rm -rf --no-preserve-root /").await;
    assert!(matches!(exit, Exit::Code(code) if code != 0), "{exit:?} {printed}");
    assert!(world.workspace().is_dir());
    assert_eq!(world.sh("echo still here >file; cat file").await, (Exit::Code(0), "still here".to_owned()));
}

#[tokio::test]
async fn commands_run_below_the_workspace_and_nowhere_else() {
    let Some(mut world) = World::new().await else { return };
    assert_eq!(world.sh("pwd; mkdir -p sub/dir").await, (Exit::Code(0), "/workspace".to_owned()));
    world.command.working_directory = "sub/dir".to_owned();
    assert_eq!(world.sh("pwd").await, (Exit::Code(0), "/workspace/sub/dir".to_owned()));
    world.command.working_directory = "gone".to_owned();
    let (exit, printed) = world.sh("echo ran").await;
    assert_eq!(exit, Exit::Code(126), "{printed}");
    assert!(!printed.contains("ran"));
    for outside in ["/etc", "..", "sub/../../etc"] {
        world.command.working_directory = outside.to_owned();
        let (exit, _) = world.run(&world.command).await;
        assert!(matches!(exit, Err(SandboxError::Io(_))), "{outside}: {exit:?}");
    }
}

#[tokio::test]
async fn a_room_that_is_not_there_is_refused_with_a_remedy() {
    let Some(mut world) = World::new().await else { return };
    world.command.room.workspace = world.folder.path().join("nowhere");
    let (exit, _) = world.run(&world.command).await;
    let Err(SandboxError::Refused { message, remedy }) = exit else { panic!("{exit:?}") };
    assert!(message.contains("nowhere"), "{message}");
    assert!(remedy.contains("reach"), "{remedy}");
}
