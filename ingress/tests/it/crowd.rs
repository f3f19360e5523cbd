//! More connections than places.

use std::time::Duration;

use ingress::{ConnectionLimits, Route};

use crate::world::{Client, Gate, PATIENCE, World, github, request, short_limits};

const BODY: &[u8] = b"{}";

/// So many places, and nobody is cut off for being slow.
fn places(connections: usize) -> (ingress::IntakeLimits, ConnectionLimits) {
    let (mut intake, short) = short_limits();
    intake.body.idle = PATIENCE * 2;
    intake.body.total = PATIENCE * 2;
    intake.publish = PATIENCE;
    (intake, ConnectionLimits { connections, header_timeout: PATIENCE * 2, ..short })
}

/// Bytes that make a client wait in each of the ways there are, and whether it gets an answer to them.
fn ways_to_wait() -> [(&'static str, Vec<u8>, bool); 4] {
    let kept_alive = request(BODY, &["connection"], &[]);
    let body = kept_alive.len() - BODY.len();
    [
        ("says nothing", Vec::new(), false),
        ("stops in its header", kept_alive[..20].to_vec(), false),
        ("stops in its body", kept_alive[..=body].to_vec(), false),
        ("is idle after its answer", kept_alive, true),
    ]
}

#[tokio::test]
async fn a_new_connection_gets_the_place_of_who_waits_longest() {
    for (case, bytes, answered) in ways_to_wait() {
        let (intake, connections) = places(3);
        let world = World::with(intake, connections).await;
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let mut client = world.connect().await;
            client.send(&bytes).await;
            if answered {
                assert_eq!(client.next_status().await, 202, "{case}");
            }
            waiting.push(client);
        }
        let mut new = world.connect().await;
        new.send(&request(BODY, &["connection"], &[])).await;
        assert_eq!(new.next_status().await, 202, "{case}");
        assert_eq!(waiting.remove(0).rest().await.0, "", "{case}: it is closed without a word");
        // The others are still there and can go on.
        for (mut client, order) in waiting.into_iter().zip(1..) {
            let whole = request(BODY, &["connection"], &[]);
            let rest = if answered { &whole } else { &whole[bytes.len()..] };
            client.send(rest).await;
            assert_eq!(client.next_status().await, 202, "{case}: the one of order {order}");
        }
        assert_eq!(world.exchange(&request(BODY, &[], &[])).await.status(), 202, "{case}");
    }
}

#[tokio::test]
async fn who_is_worked_for_is_not_cut_off_and_a_new_one_hears_503() {
    let (intake, connections) = places(2);
    let gate = Gate::closed();
    let world = World::publishing(Route::new(github()), gate.clone(), intake, connections).await;
    let good = request(BODY, &[], &[]);
    let (mut one, mut two) = (world.connect().await, world.connect().await);
    one.send(&good).await;
    two.send(&good).await;
    gate.arrivals(2).await;
    for _ in 0..100 {
        let answer = world.exchange(&good).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")));
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.json()["error"], "too many connections; try again");
    }
    gate.open.add_permits(3);
    assert_eq!((one.rest().await.status(), two.rest().await.status()), (202, 202));
    assert_eq!(world.exchange(&good).await.status(), 202);
}

#[tokio::test]
async fn those_turned_away_are_few_and_soon_gone() {
    let (intake, connections) = places(1);
    let gate = Gate::closed();
    let world = World::publishing(Route::new(github()), gate.clone(), intake, connections).await;
    let mut only = world.connect().await;
    only.send(&request(BODY, &[], &[])).await;
    gate.arrivals(1).await;
    // None of these reads or closes: the server ends all of them.
    let mut turned_away: Vec<Client> = Vec::new();
    for _ in 0..300 {
        turned_away.push(world.connect().await);
    }
    let mut told = 0;
    for mut client in turned_away {
        let answer = client.rest().await;
        assert!(matches!(answer.status(), 503 | 0), "{answer:?}");
        told += usize::from(answer.status() == 503);
    }
    assert!(told >= 64, "{told}");
    gate.open.add_permits(1);
    assert_eq!(only.rest().await.status(), 202);
}

#[tokio::test]
async fn a_crowd_of_slow_senders_keeps_nobody_out() {
    let (mut intake, connections) = places(40);
    intake.requests_per_webhook = 4;
    let world = World::with(intake, connections).await;
    let mut crowd = Vec::new();
    for round in 0..50 {
        for (_, bytes, _) in ways_to_wait() {
            let mut client = world.connect().await;
            client.send(&bytes).await;
            crowd.push(client);
        }
        let answer =
            tokio::time::timeout(Duration::from_secs(5), world.exchange(&request(BODY, &[], &[]))).await;
        assert_eq!(answer.unwrap().status(), 202, "round {round}");
    }
}
