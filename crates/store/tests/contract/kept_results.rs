//! Result bundles: one a run, until the run is over.

use schemas::RunId;
use schemas::result_bundle::KeptResult;
use schemas::run::{Outcome, Reason, RunState};
use store::KeptBundle;

use super::{id, insert_runs, queued, run};
use crate::open;

pub fn bundle(object: &str) -> KeptBundle {
    let kept = KeptResult { head: "b".repeat(40).parse().unwrap(), bytes: 64 << 20, sha256: "5f".repeat(32) };
    KeptBundle { object: object.to_owned(), kept }
}

#[tokio::test]
async fn a_result_is_kept_replaced_and_goes_after_its_run() {
    let (store, _place) = open().await;
    let done = RunState::Done { outcome: Outcome::Failed, reason: Reason::WorkerLost };
    insert_runs(&store, &[run(1, "x", queued()), run(2, "y", done.clone()), run(3, "z", done)]).await;
    let runs = [1, 2, 3].map(|number| RunId(id(number)));
    let tx = store.begin().await.unwrap();
    for (run, object) in runs.iter().zip(["results/a/1-1", "results/a/2-1", "results/a/3-1"]) {
        tx.keep_result(*run, &bundle(object)).await.unwrap();
    }
    tx.keep_result(runs[0], &bundle("results/a/1-2")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.kept_result(runs[0]).await.unwrap(), Some(bundle("results/a/1-2")));
    assert_eq!(store.kept_result(RunId(id(9))).await.unwrap(), None);

    let mut to_drop = store.results_to_drop(10).await.unwrap();
    to_drop.sort();
    assert_eq!(to_drop, [(runs[1], "results/a/2-1".to_owned()), (runs[2], "results/a/3-1".to_owned())]);
    assert_eq!(store.results_to_drop(1).await.unwrap().len(), 1);
    let tx = store.begin().await.unwrap();
    tx.forget_result(runs[1]).await.unwrap();
    tx.forget_result(runs[1]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.kept_result(runs[1]).await.unwrap(), None);
    assert_eq!(store.results_to_drop(10).await.unwrap().len(), 1);
}
