//! Ten thousand deliveries of two thousand happenings, through two dispatchers on one database.

use std::collections::{BTreeMap, HashSet};

use broker::Publisher;
use broker::fake::MemoryQueue;
use schemas::delivery::{Body, Delivery};
use schemas::event::SourceKind;
use schemas::trace::TraceContext;
use schemas::{Clock, DeliveryId, WebhookName};
use serde_json::json;
use store::DeliveryStatus;
use tokio_util::sync::CancellationToken;

use super::{file, fix, labeled};
use crate::support::World;

const HAPPENINGS: u64 = 2_000;
/// Ways in which one happening arrives.
const WAYS: u64 = 5;

fn delivery(world: &World, number: u64, way: u64) -> Delivery {
    let mut body = labeled(number, "fix", 0);
    // The App's hook: another webhook, id and body.
    if way >= 3 {
        body["installation"] = json!({ "id": 3 });
    }
    let (webhook, guid) = match way {
        0 | 1 => ("github", format!("{number}")),
        2 => ("github", format!("{number}-other")),
        _ => ("app", format!("{number}-app")),
    };
    let headers =
        [("x-github-event", "issues"), ("x-github-delivery", &guid), ("content-type", "application/json")];
    Delivery {
        id: DeliveryId::fresh(&*world.clock),
        webhook: WebhookName::from(webhook),
        received_at: world.clock.now(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: Body::compress(body.to_string().as_bytes()),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

/// A shuffle that is the same every time.
fn shuffled<T>(mut items: Vec<T>) -> Vec<T> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for last in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(last, usize::try_from(state % (last as u64 + 1)).unwrap());
    }
    items
}

/// The webhooks of one repository, and of the App that is told the same.
pub const HOOKS: [(&str, SourceKind, &str); 2] =
    [("github", SourceKind::Github, "github"), ("app", SourceKind::Github, "github")];

pub fn automations() -> String {
    file(&[fix("    output: { comment: none }\n")])
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_for_each_happening_whatever_comes_how_often_in_what_order_to_whom() {
    let world = World::hearing(&automations(), &HOOKS).await;
    two_take_ten_thousand(&world).await;
}

pub async fn two_take_ten_thousand(world: &World) {
    let second = world.second(&automations()).await;
    let all = (0..HAPPENINGS).flat_map(|number| (0..WAYS).map(move |way| (number, way))).collect();
    let queues = [MemoryQueue::default(), MemoryQueue::default()];
    for (place, (number, way)) in shuffled(all).into_iter().enumerate() {
        queues[place % 2].publish(delivery(world, number, way)).await.unwrap();
    }
    let stop = CancellationToken::new();
    let [one, two] = &queues;
    let drained = async {
        while one.depth() + two.depth() > 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(
        world.dispatcher.consume(one.consumer(), stop.clone()),
        second.consume(two.consumer(), stop.clone()),
        drained,
    );

    let runs = world.runs().await;
    let items: HashSet<&str> = runs.iter().map(|record| record.run.work_item.as_str()).collect();
    assert_eq!((runs.len() as u64, items.len() as u64), (HAPPENINGS, HAPPENINGS));
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = world.store.deliveries(500, before).await.unwrap();
        for item in page.items {
            *statuses.entry(format!("{:?}", item.status)).or_default() += 1;
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let (decided, duplicate) = (DeliveryStatus::Decided, DeliveryStatus::Duplicate);
    let expected = BTreeMap::from([
        (format!("{decided:?}"), HAPPENINGS),
        (format!("{duplicate:?}"), HAPPENINGS * (WAYS - 1)),
    ]);
    assert_eq!(statuses, expected);
}
