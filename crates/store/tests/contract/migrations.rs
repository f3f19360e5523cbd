//! Tables that change under rows, in both directions.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use schemas::control::{LogLine, Stream};
use schemas::intent::Write;
use schemas::{AutomationId, AutomationName, DeliveryId, RunId, Untrusted, WorkItem};
use store::{ActiveRuleSet, LinkKind, Store, Thread, TickRow, TickState};

use super::intents::intent;
use super::kept_results::bundle;
use super::{delivery, id, now, queued, run};
use crate::{Place, open};

/// A row in every table.
async fn fill(store: &Store) {
    let (item, automation) = (WorkItem::from("x"), AutomationName::from("fix"));
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    tx.insert_facts([(DeliveryId(id(1)), &"asked")]).await.unwrap();
    tx.insert_runs(&[run(1, "x", queued())]).await.unwrap();
    tx.add_run_event(RunId(id(1)), DeliveryId(id(1)), now()).await.unwrap();
    let line = LogLine { at: now(), stream: Stream::Stdout, text: Untrusted::from("a line") };
    tx.append_log(RunId(id(1)), &[line]).await.unwrap();
    tx.plan(&intent(1, Write::SyncComment { number: 12 }), "first").await.unwrap();
    let thread = Thread { comment_id: 5, comment_url: "u".into(), deleted: false };
    tx.save_thread(&item, &automation, &thread).await.unwrap();
    let files = BTreeMap::from([("a.yaml".to_owned(), "text".to_owned())]);
    let set = ActiveRuleSet { hash: "hash".into(), files, source: "a folder".into() };
    tx.activate_rule_set(&set, now()).await.unwrap();
    tx.link(&item, &"y".into(), LinkKind::RemoteLink, now()).await.unwrap();
    tx.name_instance("one").await.unwrap();
    let named = AutomationId(id(9));
    tx.name_automations(&[(automation, None)], now(), || named).await.unwrap();
    tx.keep_timetables(&[(named, "0 6 * * *".to_owned())], now()).await.unwrap();
    let tick = TickRow {
        automation: named,
        tick: now(),
        state: TickState::Fired,
        at: now(),
        deliveries: vec![DeliveryId(id(1))],
    };
    tx.record_tick(&tick).await.unwrap();
    tx.keep_result(RunId(id(1)), &bundle("results/a/1")).await.unwrap();
    tx.commit().await.unwrap();
    let held = store.claim_intents("a", now(), now() + TimeDelta::days(1), 10).await.unwrap();
    assert_eq!(held.len(), 1);
}

/// Undoes the newest `steps` migrations and makes them again.
async fn down_and_up(place: &Place, steps: usize) -> Store {
    let all = place.address.migrations().await.unwrap().all;
    match all.len().checked_sub(steps + 1) {
        Some(newest) => {
            let undone = place.address.migrate_to(&all[newest].name).await.unwrap();
            assert_eq!(undone.len(), steps, "{undone:?}");
        }
        None => place.address.revert(u32::try_from(steps).unwrap()).await.unwrap(),
    }
    assert_eq!(place.address.migrations().await.unwrap().pending().count(), steps);
    assert_eq!(place.address.migrate().await.unwrap().len(), steps);
    Store::open(&place.address).await.unwrap()
}

#[tokio::test]
async fn migrations_go_down_and_up_again_with_rows() {
    let (store, place) = open().await;
    let all = place.address.migrations().await.unwrap().all.len();
    fill(&store).await;
    store.close().await.unwrap();
    for steps in 1..all {
        let store = down_and_up(&place, steps).await;
        let record = store.run(RunId(id(1))).await.unwrap().unwrap();
        assert_eq!(record.run, run(1, "x", queued()), "{steps}");
        assert_eq!(store.delivery_count().await.unwrap(), 1);
        assert_eq!(store.log_chunks(RunId(id(1))).await.unwrap(), 1);
        assert_eq!(store.active_hash().await.unwrap().as_deref(), Some("hash"));
        assert!(store.thread(&"x".into(), &"fix".into()).await.unwrap().is_some());
        // An older version knows of no bundle: the run begins anew.
        assert_eq!(store.kept_result(RunId(id(1))).await.unwrap().is_some(), steps < 2, "{steps}");
        // Where it is forgotten who was at it, the write is not.
        let free = usize::from(steps > 2);
        assert_eq!(store.claim_intents("b", now(), now(), 10).await.unwrap().len(), free, "{steps}");
        store.close().await.unwrap();
    }
    let store = down_and_up(&place, all).await;
    assert_eq!(store.delivery_count().await.unwrap(), 0);
    assert_eq!(store.run(RunId(id(1))).await.unwrap(), None);
    // The tables are those of a first start.
    fill(&store).await;
    assert_eq!(store.last_tick(AutomationId(id(9))).await.unwrap().unwrap().state, TickState::Fired);
}
