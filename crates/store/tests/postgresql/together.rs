//! Many at once, on one database.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use schemas::control::Beat;
use schemas::run::{RunState, Step};
use schemas::{DeliveryId, Epoch, Pool, RunId, WorkerName};
use store::{Address, Fault, Store};

use sqlx::{Executor, Row};

use crate::bare;
use crate::contract::{delivery, id, insert_runs, now, queued, run};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_claimers_claim_each_of_a_thousand_runs_once() {
    let Some(server) = Server::find().await else { return };
    let address = Address::Postgres(server.database().await);
    let store = Store::open(&address).await.unwrap();
    let runs: Vec<_> = (1..=1000).map(|n| run(n, &format!("item {n}"), queued())).collect();
    insert_runs(&store, &runs).await;

    let mut claimers = tokio::task::JoinSet::new();
    for number in 0..8 {
        // Two processes of four.
        let store = if number % 4 == 0 { Store::open(&address).await.unwrap() } else { store.clone() };
        claimers.spawn(async move {
            let worker = WorkerName(format!("w{number}"));
            let mut claimed = Vec::new();
            loop {
                let due = store.claimable(&Pool::default(), now(), 20).await.unwrap();
                if due.is_empty() {
                    return claimed;
                }
                for candidate in due {
                    let nonce = format!("{number}:{candidate}");
                    let seen = store.run(candidate).await.unwrap().unwrap();
                    let Some(record) = seen.claimed(&worker, &nonce, now()) else { continue };
                    if store.begin_epoch(&record).await.unwrap() {
                        claimed.push(candidate);
                    }
                }
            }
        });
    }
    let claimed: Vec<RunId> = claimers.join_all().await.into_iter().flatten().collect();
    let mut times: HashMap<RunId, u32> = HashMap::new();
    for run in &claimed {
        *times.entry(*run).or_default() += 1;
    }
    assert_eq!((claimed.len(), times.len()), (1000, 1000));
    let leases = store.leases().await.unwrap();
    assert!(leases.len() == 1000 && leases.iter().all(|lease| lease.epoch == Epoch(1)));
}

#[tokio::test]
async fn a_claim_passes_over_a_run_that_another_transaction_holds() {
    let Some(server) = Server::find().await else { return };
    let store = Store::open(&Address::Postgres(server.database().await)).await.unwrap();
    insert_runs(&store, &[run(1, "x", queued())]).await;
    let holder = store.begin_beside().await.unwrap();
    holder.lock_run(RunId(id(1))).await.unwrap();
    let seen = store.run(RunId(id(1))).await.unwrap().unwrap();
    let claimed = seen.claimed(&WorkerName::from("w"), "n", now()).unwrap();
    assert!(!store.begin_epoch(&claimed).await.unwrap(), "it did not wait, and did not get it");
}

#[tokio::test]
async fn heartbeats_do_not_wait_for_a_long_decision() {
    let Some(server) = Server::find().await else { return };
    let store = Store::open(&Address::Postgres(server.database().await)).await.unwrap();
    insert_runs(&store, &[run(1, "x", RunState::Active { step: Step::Commands, epoch: Epoch(0) })]).await;
    let deciding = store.begin().await.unwrap();
    deciding.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    let beating = store.begin_beside().await.unwrap();
    let beat = Beat { number: 3, ..Beat::default() };
    assert!(beating.beat(RunId(id(1)), Epoch(0), beat).await.unwrap().is_some());
    beating.commit().await.unwrap();
    deciding.commit().await.unwrap();
    assert_eq!(store.leases().await.unwrap()[0].beat, 3);
}

#[tokio::test]
async fn two_that_store_the_same_delivery_are_told() {
    let Some(server) = Server::find().await else { return };
    let store = Store::open(&Address::Postgres(server.database().await)).await.unwrap();
    let store_it = async || {
        let tx = store.begin_beside().await?;
        tx.insert_deliveries(&[delivery(1, &["a"])], now()).await?;
        tx.commit().await
    };
    let (one, two) = tokio::join!(store_it(), store_it());
    let failed = one.and(two).unwrap_err();
    assert_eq!(failed.fault(), Fault::Constraint, "{failed:?}");
    assert_eq!(store.delivery_count().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locks_taken_crosswise_are_told_as_worth_another_try() {
    let Some(server) = Server::find().await else { return };
    let store = Store::open(&Address::Postgres(server.database().await)).await.unwrap();
    insert_runs(&store, &[run(1, "x", queued()), run(2, "y", queued())]).await;
    let both_hold_one = Arc::new(tokio::sync::Barrier::new(2));
    let cross = |first: u128, second: u128| {
        let (store, both_hold_one) = (store.clone(), Arc::clone(&both_hold_one));
        tokio::spawn(async move {
            let tx = store.begin_beside().await?;
            tx.lock_run(RunId(id(first))).await?;
            both_hold_one.wait().await;
            tx.lock_run(RunId(id(second))).await?;
            tx.commit().await
        })
    };
    let (one, two) = tokio::join!(cross(1, 2), cross(2, 1));
    let outcomes = [one.unwrap(), two.unwrap()];
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(failed.len(), 1, "one is sacrificed");
    assert_eq!(failed[0].fault(), Fault::Busy, "{failed:?}");
    assert!(failed[0].is_transient());
    assert!(store.delivery(DeliveryId(id(1))).await.unwrap().is_none(), "the connections are usable");
}

#[tokio::test]
async fn who_goes_away_while_a_transaction_begins_leaves_none_open() {
    let Some(server) = Server::find().await else { return };
    let address = server.database().await;
    let store = Store::open(&Address::Postgres(address.clone())).await.unwrap();
    let connected: Vec<_> = vec![store.begin_beside().await.unwrap(), store.begin_beside().await.unwrap()];
    drop(connected);
    let mut bare = bare(&address).await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%'";
    for looks in 0..200 {
        let mut begin = Box::pin(store.begin_beside());
        for _ in 0..looks {
            tokio::select! {
                biased;
                _ = &mut begin => break,
                () = tokio::task::yield_now() => {}
            }
        }
        drop(begin);
        let none_left = async {
            while bare.fetch_one(open).await.unwrap().get::<i64, _>(0) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // Sooner than the server ends such a session by itself.
        tokio::time::timeout(Duration::from_secs(5), none_left).await.unwrap();
    }
}
