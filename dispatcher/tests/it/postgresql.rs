//! Two dispatchers on one PostgreSQL.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use broker::Publisher;
use schemas::control::Claim;
use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::run::Step;
use schemas::trace::TraceContext;
use schemas::{Clock, ControlPlane, Delivery, DeliveryId, Epoch, WebhookName, WorkerName};
use senders::samples::{self, Aim, Fresh};
use serde_json::json;
use store::{Address, DeliveryStatus};
use uuid::Uuid;

use crate::admission::duplicates;
use crate::server::Server;
use crate::support::{FIX, World};

const WEBHOOKS: [(&str, SourceKind, &str); 1] = [("github", SourceKind::Github, "github")];
const MANY: u128 = 60;
/// Less than the database lets anybody wait for a lock.
const PATIENCE: Duration = Duration::from_secs(8);

/// Two that do not know of each other; `None` on a machine without PostgreSQL.
async fn two() -> Option<(World, World, Server)> {
    let server = Server::find().await?;
    let address = Address::Postgres(server.database().await);
    let (one, two) =
        (World::on(&address, 1, FIX, &WEBHOOKS).await, World::on(&address, 2, FIX, &WEBHOOKS).await);
    Some((one, two, server))
}

/// Somebody labels issue `number`; GitHub's own id of that is the number, too.
fn labeled(world: &World, id: u128, number: u128) -> Delivery {
    let sample = samples::of(SourceKind::Github).find(|sample| sample.event == "issue.labeled").unwrap();
    let aim = Aim {
        actor: Some("ana".into()),
        item: Some(number.to_string()),
        label: Some("agent:fix".into()),
        ..Aim::default()
    };
    let fresh = Fresh { now: world.clock.now(), id: Uuid::from_u128(number) };
    let body = sample.body(&aim, fresh).unwrap();
    let headers =
        [("x-github-event", "issues".to_owned()), ("x-github-delivery", Uuid::from_u128(number).to_string())];
    Delivery {
        id: DeliveryId(Uuid::from_u128(id)),
        webhook: WebhookName::from("github"),
        received_at: world.clock.now(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        body: Body::compress(json!(body).to_string().as_bytes()),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

async fn decide_together(one: &World, two: &World) {
    tokio::join!(one.decide(), two.decide());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_deliveries_are_decided_once_by_two() {
    let Some((one, two, _server)) = two().await else { return };
    for number in 1..=MANY {
        // The broker gave a delivery to both: an acknowledgement was lost.
        let delivery = labeled(&one, number, number);
        one.queue.publish(delivery.clone()).await.unwrap();
        two.queue.publish(delivery).await.unwrap();
    }
    decide_together(&one, &two).await;
    let runs = one.store.runs(200, None, None).await.unwrap().items;
    assert_eq!(runs.len() as u128, MANY);
    for number in 1..=MANY {
        let id = DeliveryId(Uuid::from_u128(number));
        assert_eq!(one.store.decisions(id).await.unwrap().len(), 1, "{number}");
        assert_eq!(one.store.runs_of(id).await.unwrap().len(), 1, "{number}");
        assert_eq!(one.store.delivery(id).await.unwrap().unwrap().status, DeliveryStatus::Decided);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_and_steps_go_on_beside_a_long_decision() {
    let Some((one, two, _server)) = two().await else { return };
    one.queue.publish(labeled(&one, 1, 1)).await.unwrap();
    one.decide().await;
    let deciding = two.store.begin().await.unwrap();
    let beside = async {
        let claim = Claim { worker: WorkerName::from("w"), nonce: "n".into() };
        let job = one.dispatcher.claim(claim).await.unwrap().unwrap();
        // One that no comment shows.
        one.dispatcher.step(job.run, job.epoch, Step::Result).await.unwrap();
    };
    tokio::time::timeout(PATIENCE, beside).await.expect("a worker waited for another's decision");
    deciding.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_happening_that_comes_to_two_under_two_ids_runs_once() {
    let Some((one, two, _server)) = two().await else { return };
    for number in 1..=MANY {
        one.queue.publish(labeled(&one, number, number)).await.unwrap();
        two.queue.publish(labeled(&two, 1000 + number, number)).await.unwrap();
    }
    decide_together(&one, &two).await;
    assert_eq!(one.store.delivery_count().await.unwrap() as u128, 2 * MANY);
    assert_eq!(one.store.runs(200, None, None).await.unwrap().items.len() as u128, MANY);
    for number in 1..=MANY {
        let mut statuses = Vec::new();
        for id in [number, 1000 + number] {
            let stored = one.store.delivery(DeliveryId(Uuid::from_u128(id))).await.unwrap().unwrap();
            statuses.push(stored.status == DeliveryStatus::Duplicate);
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [false, true], "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_start_runs_of_one_item_start_one_and_keep_the_others_waiting() {
    let Some((one, two, _server)) = two().await else { return };
    for id in 1..=MANY / 2 {
        // The same issue, labelled again and again.
        for (world, id) in [(&one, id), (&two, 1000 + id)] {
            let mut delivery = labeled(world, id, 12);
            let other = labeled(world, id, id + 10_000);
            delivery.headers = other.headers;
            world.clock.advance(std::time::Duration::from_secs(7 + (id % 2) as u64));
            world.queue.publish(delivery).await.unwrap();
        }
    }
    decide_together(&one, &two).await;
    let runs = one.store.runs(200, None, None).await.unwrap().items;
    assert!(runs.len() > 1);
    let queued = one.store.runs(200, None, Some("queued")).await.unwrap().items;
    assert_eq!(queued.len(), 1, "one item has one active run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_deliveries_through_two_become_one_run_for_each_happening() {
    let Some(server) = Server::find().await else { return };
    let address = Address::Postgres(server.database().await);
    let world = World::on(&address, 1, &duplicates::automations(), &duplicates::HOOKS).await;
    duplicates::two_take_ten_thousand(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_workers_of_two_dispatchers_get_each_of_a_thousand_runs_once() {
    const RUNS: u128 = 1000;
    let Some((one, two, _server)) = two().await else { return };
    for number in 1..=RUNS {
        one.queue.publish(labeled(&one, number, number)).await.unwrap();
    }
    one.decide().await;
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let dispatcher = Arc::clone(if number % 2 == 0 { &one.dispatcher } else { &two.dispatcher });
        workers.spawn(async move {
            let mut jobs = Vec::new();
            loop {
                let nonce = format!("{number}:{}", jobs.len());
                let claim = Claim { worker: WorkerName(format!("w{number}")), nonce };
                match dispatcher.claim(claim).await.unwrap() {
                    Some(job) => jobs.push((job.run, job.epoch)),
                    None => return jobs,
                }
            }
        });
    }
    let jobs = workers.join_all().await.concat();
    let runs: HashSet<_> = jobs.iter().map(|(run, _)| *run).collect();
    assert_eq!((jobs.len() as u128, runs.len() as u128), (RUNS, RUNS));
    assert!(jobs.iter().all(|(_, epoch)| *epoch == Epoch(1)));
}
