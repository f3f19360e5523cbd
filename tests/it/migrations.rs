//! `pullwright db migrate --to`: the way back to an older version's tables.

use crate::backup::{labelled, said};
use crate::support::{Plan, World, automation};

pub async fn go_back_and_on(mut world: World) {
    let id = labelled(&world, "before").await;
    let listed = world.cli(&["db", "status", "--json"]).await;
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let [.., older, newest] = listed.as_slice() else { panic!("{listed:?}") };
    let (older, newest) = [older, newest].map(|row| row["migration"].as_str().unwrap()).into();
    let back = ["db", "migrate", "--to", older];
    let (code, words) = said(&world, &back).await;
    assert!(code == Some(2) && words.contains("another"), "{words}");

    world.stop().await;
    let (code, words) = said(&world, &["db", "migrate", "--to", "nothing"]).await;
    assert!(code == Some(2) && words.contains("`nothing`") && words.contains("db status"), "{words}");
    let (code, words) = said(&world, &back).await;
    assert!(code == Some(0) && words.contains(newest) && !words.contains(older), "{words}");
    assert_eq!(said(&world, &["db", "status"]).await.0, Some(1), "one is pending");
    let (code, words) = said(&world, &back).await;
    assert!(code == Some(0) && words.contains("up to date"), "{words}");

    world.start().await;
    assert_eq!(said(&world, &["db", "status"]).await.0, Some(0));
    assert_eq!(world.delivery(&id).await["status"], "decided");
    let after = labelled(&world, "after").await;
    assert_eq!(world.delivery(&after).await["status"], "decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn go_back_for_an_older_version_and_on_again() {
    let watch = automation("watch", &["true"], "    mode: observe\n");
    go_back_and_on(Plan::default().automation(watch).without_webhook().start().await).await;
}
