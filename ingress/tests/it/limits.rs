//! Every limit, from both of its sides.

use std::num::NonZeroU32;
use std::time::Duration;

use broker::PublishError;
use broker::fake::Fault;
use ingress::{Rate, Route};

use crate::world::{Gate, PATIENCE, World, github, request, short_limits};

const BODY: &[u8] = b"{}";

fn route() -> Route {
    Route::new(github())
}

#[tokio::test]
async fn a_rate_has_room_for_a_burst_and_recovers() {
    let (limits, connections) = short_limits();
    let number = |number| NonZeroU32::new(number).unwrap();
    let rate = Some(Rate { per_minute: number(6), burst: number(3) });
    let world = World::of(Route { rate, ..route() }, limits, connections).await;
    let good = request(BODY, &[], &[]);
    let forged = request(BODY, &["x-hub-signature-256"], &[]);
    // Genuine or not: what it costs us is the same.
    for (request, status) in [(&good, 202), (&forged, 401), (&good, 202)] {
        assert_eq!(world.exchange(request).await.status(), status);
    }
    let answer = world.exchange(&good).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("10")), "{answer:?}");
    assert_eq!(answer.json()["error"], "too many requests to this webhook; wait 10 s");
    world.clock.advance(Duration::from_millis(3600));
    assert_eq!(world.exchange(&good).await.header("retry-after"), Some("7"));
    world.clock.advance(Duration::from_millis(6399));
    assert_eq!(world.exchange(&good).await.header("retry-after"), Some("1"));
    // Being refused has cost nothing.
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.exchange(&good).await.status(), 202);
    assert_eq!(world.exchange(&good).await.status(), 429);
    // Quiet for long: the burst is back, and no more than it.
    world.clock.advance(Duration::from_secs(3600));
    for status in [202, 202, 202, 429] {
        assert_eq!(world.exchange(&good).await.status(), status);
    }
    // Another name and another method are not counted.
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(
        world.exchange(b"GET /webhooks/github HTTP/1.1\r\nConnection: close\r\n\r\n").await.status(),
        405
    );
    assert_eq!(world.exchange(&good).await.status(), 202);
}

#[tokio::test]
async fn a_rate_is_checked_before_the_body() {
    let (limits, connections) = short_limits();
    let one = NonZeroU32::MIN;
    let route = Route { rate: Some(Rate { per_minute: one, burst: one }), ..route() };
    let world = World::of(route, limits, connections).await;
    let expecting = request(b"", &["content-length"], &["Content-Length: 60000", "Expect: 100-continue"]);
    assert_eq!(world.exchange(&request(BODY, &[], &[])).await.status(), 202);
    // No "100 Continue", and no waiting for a body that does not come.
    assert_eq!(world.exchange(&expecting).await.status(), 429);
}

#[tokio::test]
async fn networks_and_what_is_said_of_the_client() {
    type Words = &'static [&'static str];
    let (limits, connections) = short_limits();
    let networks = |networks: &[&str]| networks.iter().map(|network| network.parse().unwrap()).collect();
    let senders: Words = &["192.0.2.0/24", "2001:db8::/32"];
    let table: &[(Words, Words, Words, u16)] = &[
        // Networks, trusted proxies, header lines: status.
        (&[], &[], &["X-Forwarded-For: 203.0.113.9"], 202),
        (&["127.0.0.0/8"], &[], &[], 202),
        (&["127.0.0.1/32"], &[], &["X-Forwarded-For: 203.0.113.9"], 202),
        (senders, &[], &[], 403),
        // Without a trusted proxy nobody can talk himself in.
        (senders, &[], &["X-Forwarded-For: 192.0.2.1"], 403),
        (senders, &["10.0.0.0/8"], &["X-Forwarded-For: 192.0.2.1"], 403),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 192.0.2.1"], 202),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 2001:db8::1"], 202),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: ::ffff:192.0.2.1"], 202),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 203.0.113.9, 192.0.2.1"], 202),
        // What the client wrote itself stands left of what the proxy saw.
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 192.0.2.1, 203.0.113.9"], 403),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 203.0.113.9"], 403),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 192.0.2.1"], 202),
        (senders, &["127.0.0.0/8", "10.0.0.0/8"], &["X-Forwarded-For: 192.0.2.1, 10.0.0.5"], 202),
        (
            senders,
            &["127.0.0.0/8", "10.0.0.0/8"],
            &["X-Forwarded-For: 192.0.2.1, 203.0.113.9, 10.0.0.5"],
            403,
        ),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For: 192.0.2.1, unknown"], 403),
        (senders, &["127.0.0.0/8"], &["X-Forwarded-For:"], 403),
        (senders, &["127.0.0.0/8"], &[], 403),
        (senders, &["127.0.0.0/8"], &["Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1"], 403),
    ];
    for (allowed, proxies, lines, status) in table {
        let mut limits = limits.clone();
        limits.trusted_proxies = networks(proxies);
        let world = World::of(Route { networks: networks(allowed), ..route() }, limits, connections).await;
        let answer = world.exchange(&request(BODY, &[], lines)).await;
        assert_eq!(answer.status(), *status, "{allowed:?} {proxies:?} {lines:?}");
        assert_eq!(world.queue.published().len(), usize::from(*status == 202));
        if *status == 403 {
            assert_eq!(answer.json()["error"], "this webhook takes nothing from your address");
        }
    }
}

#[tokio::test]
async fn strangers_do_not_use_up_the_rate() {
    let (mut limits, connections) = short_limits();
    limits.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let one = NonZeroU32::MIN;
    let rate = Some(Rate { per_minute: one, burst: one });
    let networks = vec!["192.0.2.0/24".parse().unwrap()];
    let world = World::of(Route { rate, networks, ..route() }, limits, connections).await;
    for (from, status) in [("203.0.113.9", 403), ("203.0.113.9", 403), ("192.0.2.1", 202), ("192.0.2.1", 429)]
    {
        let line = format!("X-Forwarded-For: {from}");
        assert_eq!(world.exchange(&request(BODY, &[], &[&line])).await.status(), status, "{from}");
    }
}

#[tokio::test]
async fn requests_at_once_have_a_limit_for_each_webhook_and_for_all() {
    for (per_webhook, all, status) in [(2, 9, 429), (9, 2, 503)] {
        let (mut limits, connections) = short_limits();
        (limits.requests_per_webhook, limits.requests) = (per_webhook, all);
        limits.publish = PATIENCE;
        let gate = Gate::closed();
        let world = World::publishing(route(), gate.clone(), limits, connections).await;
        let good = request(BODY, &[], &[]);
        let (mut one, mut two) = (world.connect().await, world.connect().await);
        one.send(&good).await;
        two.send(&good).await;
        gate.arrivals(2).await;
        let answer = world.exchange(&good).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (status, Some("1")), "{answer:?}");
        gate.open.add_permits(3);
        assert_eq!((one.rest().await.status(), two.rest().await.status()), (202, 202));
        assert_eq!(world.exchange(&good).await.status(), 202);
    }
}

#[tokio::test]
async fn who_has_not_sent_his_body_takes_no_slot() {
    let (mut limits, connections) = short_limits();
    (limits.requests_per_webhook, limits.requests) = (1, 1);
    limits.body.idle = PATIENCE;
    limits.body.total = PATIENCE;
    let world = World::with(limits, connections).await;
    let good = request(BODY, &[], &[]);
    let (all_but_one, last) = good.split_at(good.len() - 1);
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut client = world.connect().await;
        client.send(all_but_one).await;
        slow.push(client);
    }
    for _ in 0..10 {
        assert_eq!(world.exchange(&good).await.status(), 202);
    }
    for mut client in slow {
        client.send(last).await;
        assert_eq!(client.rest().await.status(), 202);
    }
}

#[tokio::test]
async fn bodies_together_have_a_limit_of_their_own() {
    let (mut limits, connections) = short_limits();
    limits.bodies = 16 << 10;
    let world = World::with(limits, connections).await;
    let body = format!("\"{}\"", "x".repeat(20 << 10));
    let answer = world.exchange(&request(body.as_bytes(), &[], &[])).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(world.exchange(&request(BODY, &[], &[])).await.status(), 202);
}

#[tokio::test]
async fn a_queue_that_cannot_store_means_try_again() {
    let world = World::new().await;
    let internals = "disk I/O error at /var/lib/queue.db";
    let faults = [
        Fault::Refuse(PublishError::Full),
        Fault::Refuse(PublishError::Unavailable(internals.to_owned())),
        Fault::Hang,
    ];
    for fault in faults {
        world.queue.set_fault(Some(fault.clone()));
        let answer = world.exchange(&request(BODY, &[], &[])).await;
        assert_eq!(answer.status(), 503, "{fault:?}");
        assert_eq!(answer.header("retry-after"), Some("10"), "{fault:?}");
        assert!(!answer.0.contains(internals), "{answer:?}");
    }
    world.queue.set_fault(Some(Fault::Refuse(PublishError::TooLarge { size: 9, limit: 8 })));
    assert_eq!(world.exchange(&request(BODY, &[], &[])).await.status(), 413);
    world.queue.set_fault(None);
    assert_eq!(world.exchange(&request(BODY, &[], &[])).await.status(), 202);
}

#[tokio::test]
async fn a_queue_that_hangs_costs_one_caller_at_a_time() {
    let (mut limits, connections) = short_limits();
    limits.publish = Duration::from_millis(100);
    let gate = Gate::closed();
    let world = World::publishing(route(), gate.clone(), limits, connections).await;
    let good = request(BODY, &[], &[]);
    assert_eq!(world.exchange(&good).await.status(), 503);
    gate.arrivals(1).await;
    // One tries whether it works again; of the others none gets as far as the queue.
    let mut clients = Vec::new();
    for _ in 0..30 {
        let mut client = world.connect().await;
        client.send(&good).await;
        clients.push(client);
    }
    for mut client in clients {
        let answer = client.rest().await;
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    }
    let tried = gate.arrived.available_permits();
    assert!((1..10).contains(&tried), "{tried} of 30 had to wait");
    // The first that is stored ends it.
    gate.open.add_permits(3);
    for _ in 0..3 {
        assert_eq!(world.exchange(&good).await.status(), 202);
    }
}
