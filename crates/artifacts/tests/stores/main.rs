//! What every artifact store promises: in memory, in a folder, and over the S3 protocol.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure of a test is a panic")]

mod s3;

use artifacts::{ArtifactError, Artifacts};
use bytes::Bytes;

async fn promises(store: Artifacts) {
    let (one, two) = (Bytes::from(vec![0xff; 3 << 20]), Bytes::from_static(b"two\0"));
    store.put("results/a/1", one.clone()).await.unwrap();
    assert_eq!(store.get("results/a/1", 3 << 20).await.unwrap(), one);
    let large = store.get("results/a/1", (3 << 20) - 1).await;
    assert!(matches!(large, Err(ArtifactError::Large { .. })), "{large:?}");
    store.put("results/a/1", two.clone()).await.unwrap();
    assert_eq!(store.get("results/a/1", 100).await.unwrap(), two, "the last one counts");

    store.put("results/a/2", two.clone()).await.unwrap();
    store.put("results/b/1", two.clone()).await.unwrap();
    let names = async |below| {
        let mut found = store.list(below, 10).await.unwrap();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
    };
    assert_eq!(names("results/a").await, ["results/a/1", "results/a/2"]);
    assert_eq!(names("nothing").await, Vec::<String>::new());
    assert_eq!(store.list("results", 2).await.unwrap().len(), 2);

    store.delete("results/a/1").await.unwrap();
    store.delete("results/a/1").await.unwrap();
    let gone = store.get("results/a/1", 100).await;
    assert!(matches!(gone, Err(ArtifactError::Missing(_))), "{gone:?}");
    store.probe("doctor/x").await.unwrap();
    assert_eq!(names("doctor").await, Vec::<String>::new());
}

#[tokio::test]
async fn in_memory() {
    promises(Artifacts::in_memory()).await;
}

#[tokio::test]
async fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    promises(Artifacts::folder(&folder.path().join("new/artifacts")).unwrap()).await;
}

#[tokio::test]
async fn what_is_in_a_folder_stays_there_and_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifacts");
    Artifacts::folder(&path).unwrap().put("a", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(Artifacts::folder(&path).unwrap().get("a", 1).await.unwrap(), "x");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    // A file where the folder should be.
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(Artifacts::folder(&folder.path().join("file")).is_err());
}
