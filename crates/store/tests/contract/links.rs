//! Links between work items, against the simplest thing that could be right: a partition.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schemas::WorkItem;
use store::{LinkKind, Store};

use crate::open;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn item(number: u8) -> WorkItem {
    WorkItem(format!("github:acme/api#{number}"))
}

/// Joins the sets of two numbers; whether they were two.
fn join(sets: &mut Vec<BTreeSet<u8>>, one: u8, other: u8) -> bool {
    let mut take = |number| {
        let at = sets.iter().position(|set| set.contains(&number));
        at.map_or_else(|| BTreeSet::from([number]), |at| sets.swap_remove(at))
    };
    let first = take(one);
    if first.contains(&other) {
        sets.push(first);
        return false;
    }
    let second = take(other);
    sets.push(first.union(&second).copied().collect());
    true
}

#[test]
fn whatever_is_linked_has_one_root_and_nothing_else_has() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (store, _place) = runtime.block_on(open());
    let pairs = prop::collection::vec((0u8..12, 0u8..12), 1..24);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let every_pair_is_right = |pairs| {
        runtime.block_on(check(&store, pairs));
        Ok(())
    };
    TestRunner::new(config).run(&pairs, every_pair_is_right).unwrap();
}

/// Links them, looks, and leaves no trace.
async fn check(store: &Store, pairs: Vec<(u8, u8)>) {
    let mut sets = Vec::new();
    let tx = store.begin().await.unwrap();
    for (second, (one, other)) in pairs.into_iter().enumerate() {
        let second = i64::try_from(second).unwrap();
        let linked = tx.link(&item(one), &item(other), LinkKind::RemoteLink, at(second)).await.unwrap();
        assert_eq!(linked, one != other && join(&mut sets, one, other));
    }
    let all: Vec<WorkItem> = (0..12).map(item).collect();
    let roots = tx.roots(&all).await.unwrap();
    for one in 0..12 {
        for other in 0..12 {
            let together = one == other || sets.iter().any(|set| set.contains(&one) && set.contains(&other));
            assert_eq!(roots[&item(one)] == roots[&item(other)], together, "{one} and {other}");
        }
        // A root is its own, so nothing has to be followed.
        assert_eq!(roots[&roots[&item(one)]], roots[&item(one)]);
    }
}

#[tokio::test]
async fn the_root_that_is_known_longer_stays_and_there_is_an_end_to_it() {
    let (store, _place) = open().await;
    let tx = store.begin().await.unwrap();
    let link = async |one, other, second| {
        tx.link(&item(one), &item(other), LinkKind::ClosingReference, at(second)).await.unwrap()
    };
    assert!(link(2, 1, 10).await);
    assert!(link(4, 3, 20).await);
    assert!(link(1, 3, 30).await, "their older root is 1");
    assert_eq!(tx.roots(&[item(4)]).await.unwrap()[&item(4)], item(1));
    let mut linked = 3;
    for number in 5..200 {
        linked += u32::from(link(number, 1, 40).await);
    }
    assert_eq!(linked, 63);
    tx.commit().await.unwrap();
    let links = store.links_to(&item(1)).await.unwrap();
    assert_eq!((links[0].work_item.clone(), links[0].kind), (item(2), LinkKind::ClosingReference));
    assert_eq!(links.len(), 63);
}
