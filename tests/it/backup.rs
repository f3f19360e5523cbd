//! `pullwright db backup` and `restore`, beside a Pullwright that runs and one that does not.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Plan, World, automation};

/// What a command said, with its exit code.
pub async fn said(world: &World, args: &[&str]) -> (Option<i32>, String) {
    let output = world.cli(args).await;
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

pub async fn labelled(world: &World, guid: &str) -> String {
    let issue = world.issue("It greets nobody");
    let body = world.labelled_payload(issue).to_string();
    let id = world.deliver("issues", guid, body.as_bytes()).await.delivery();
    world.delivery(&id).await;
    id
}

pub async fn goes_there_and_back(mut world: World) {
    let before = labelled(&world, "before").await;
    let (code, words) = said(&world, &["db", "backup", "copy"]).await;
    assert_eq!(code, Some(0), "{words}");
    let mode = std::fs::metadata(world.path("copy")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, words) = said(&world, &["db", "backup", "copy"]).await;
    assert!(code == Some(2) && words.contains("exists already"), "{words}");
    let after = labelled(&world, "after").await;
    let (code, words) = said(&world, &["db", "restore", "copy", "--replace"]).await;
    assert!(code == Some(2) && words.contains("another"), "{words}");

    world.stop().await;
    let (code, words) = said(&world, &["db", "restore", "copy"]).await;
    assert!(code == Some(2) && words.contains("--replace"), "{words}");
    std::fs::write(world.path("no-copy"), "words").unwrap();
    let (code, words) = said(&world, &["db", "restore", "no-copy", "--replace"]).await;
    assert!(code == Some(2) && words.contains("is no copy"), "{words}");
    assert_eq!(said(&world, &["db", "status"]).await.0, Some(0), "nothing was given up for it");
    let (code, words) = said(&world, &["db", "restore", "copy", "--replace"]).await;
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(said(&world, &["db", "status"]).await.0, Some(0));

    world.start().await;
    let kept: Vec<String> = world.all("deliveries").await.iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(kept, [format!("\"{before}\"")], "{after} came after the copy");
    // What comes now is taken, and what came before is known.
    let again = labelled(&world, "later").await;
    assert_eq!(world.delivery(&again).await["status"], "decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_records_can_be_gone_back_to() {
    let watch = automation("watch", &["true"], "    mode: observe\n");
    let world = Plan::default().automation(watch).without_webhook().start().await;
    goes_there_and_back(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_fills_a_new_folder() {
    let watch = automation("watch", &["true"], "    mode: observe\n");
    let mut world = Plan::default().automation(watch).without_webhook().start().await;
    let id = labelled(&world, "before").await;
    assert_eq!(said(&world, &["db", "backup", "copy"]).await.0, Some(0));
    world.stop().await;
    std::fs::remove_dir_all(world.path("data")).unwrap();
    let (code, words) = said(&world, &["db", "restore", "copy"]).await;
    assert_eq!(code, Some(0), "{words}");
    world.start().await;
    assert_eq!(world.delivery(&id).await["status"], "decided");
}
