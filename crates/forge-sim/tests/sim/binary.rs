//! The program as people start it.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::support::git_ok;

#[tokio::test]
async fn it_prints_its_address_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    std::fs::write(folder.path().join("project/README.md"), "hi\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_forge-sim"))
        .args(["--token", "t0ken", "--data", "repos", "--repo", "acme/api=project"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("forge-sim listening on ").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{url}/repos/acme/api")).bearer_auth("t0ken").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let remote = format!("{}/acme/api", url.replace("http://", "http://x-access-token:t0ken@"));
    git_ok(folder.path(), &["clone", "--quiet", &remote, "clone"]).await;
    assert!(folder.path().join("clone/README.md").exists());
    git_ok(folder.path(), &["--git-dir=repos/acme/api.git", "rev-parse", "main"]).await;
}

#[tokio::test]
async fn help_teaches_and_mistakes_are_told() {
    let run = async |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_forge-sim")).args(args).output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, help) = run(&["--help"]).await;
    assert_eq!(code, Some(0));
    assert!(help.contains("/_sim/faults") && help.contains("Example:"), "{help}");
    let (code, told) = run(&["--repo", "nonsense"]).await;
    assert_eq!(code, Some(2));
    assert!(told.contains("OWNER/NAME=PATH"), "{told}");
    let (code, told) = run(&["--repo", "acme/api=no-such-folder"]).await;
    assert_eq!(code, Some(2));
    assert!(told.contains("No such file"), "{told}");
    let (code, told) = run(&["--listen", "192.0.2.1:1"]).await;
    assert_eq!(code, Some(2));
    assert!(told.contains("cannot listen on 192.0.2.1:1"), "{told}");
}
