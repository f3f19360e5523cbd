//! Hooks and their deliveries: found, listed page by page, asked for again.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use forge::deliveries::{Attempt, HookSource};
use forge::{Forge, ForgeError, HookDeliveries};
use forge_sim::{Fault, FaultOrder, Permission, sign};
use schemas::WebhookName;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::support::{World, connect, token};

type Received = (HeaderMap, Bytes);

/// A receiver that accepts all it gets, and hands it on.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Received>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/github", listener.local_addr().unwrap());
    let receive = move |headers: HeaderMap, body: Bytes| async move {
        sender.send((headers, body)).unwrap();
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/webhooks/github", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

/// Every attempt, newest first.
async fn attempts(world: &World, hook: &HookSource) -> Vec<Attempt> {
    world.sim.delivered().await;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = world.github.deliveries(hook, after.as_ref()).await.unwrap();
        all.extend(page.attempts);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn down(world: &World, times: u32) {
    let order = FaultOrder::once("POST", "/webhooks/github", Fault::TargetDown).times(times);
    world.sim.fault(order).unwrap();
}

#[tokio::test]
async fn a_missed_delivery_comes_again_as_it_was() {
    let world = World::start().await;
    let (url, mut inbox) = receiver().await;
    world.sim.add_webhook(&url, "s3cret", &["issues"]);
    let hooks = world.github.repository_hooks(&world.repo).await.unwrap();
    let name = WebhookName::from("github");
    assert_eq!(
        (hooks.len(), hooks[0].url.as_str(), hooks[0].webhook([&name])),
        (1, url.as_str(), Some(&name))
    );
    let hook = &hooks[0].source;

    down(&world, 1);
    world.sim.label_issue("acme", "api", 1, "missed", "octocat").unwrap();
    world.sim.label_issue("acme", "api", 1, "arrived", "octocat").unwrap();
    let before = attempts(&world, hook).await;
    assert_eq!(before.iter().map(|a| a.accepted).collect::<Vec<_>>(), [true, false]);
    let (_, first) = inbox.recv().await.unwrap();
    assert!(String::from_utf8_lossy(&first).contains(r#""name":"arrived""#));

    let missed = &before[1];
    world.github.redeliver(hook, missed.id).await.unwrap();
    let (headers, body) = inbox.recv().await.unwrap();
    assert_eq!(headers["x-github-delivery"], missed.guid.as_str());
    assert_eq!(headers["x-hub-signature-256"], sign::github("s3cret", &body).as_str());
    assert!(String::from_utf8_lossy(&body).contains(r#""label":{"#));
    let after = attempts(&world, hook).await;
    assert_eq!((after[0].guid == missed.guid, after[0].accepted), (true, true));
    assert!(after[0].id != missed.id);
    let unknown = world.github.redeliver(hook, 999_999).await;
    assert!(matches!(unknown, Err(ForgeError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    let world = World::start().await;
    // Nobody listens.
    world.sim.add_webhook("http://127.0.0.1:1/webhooks/github", "k", &["issue_comment"]);
    let hook = world.github.repository_hooks(&world.repo).await.unwrap().remove(0).source;
    for n in 0..250 {
        world.sim.comment("acme", "api", 1, &n.to_string(), "octocat").unwrap();
    }
    let all = attempts(&world, &hook).await;
    assert_eq!(all.len(), 250);
    assert!(all.iter().all(|a| !a.accepted));
    assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id && pair[0].at >= pair[1].at));
}

#[tokio::test]
async fn an_app_has_one_hook_for_all_repositories() {
    let world = World::as_app().await;
    assert!(world.github.is_app());
    assert_eq!(world.github.app_hook().await, Ok(None));
    let (url, mut inbox) = receiver().await;
    world.sim.add_app_webhook(&url, "s3cret");
    let hook = world.github.app_hook().await.unwrap().unwrap();
    assert_eq!((hook.source.clone(), hook.url), (HookSource::App, url));
    down(&world, 1);
    world.sim.label_issue("acme", "api", 1, "missed", "octocat").unwrap();
    let missed = attempts(&world, &HookSource::App).await.remove(0);
    assert!(!missed.accepted);
    world.github.redeliver(&HookSource::App, missed.id).await.unwrap();
    let (headers, body) = inbox.recv().await.unwrap();
    assert_eq!(headers["x-github-hook-installation-target-type"], "integration");
    assert_eq!(headers["x-github-delivery"], missed.guid.as_str());
    let payload: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(payload["installation"]["id"].is_u64());
    assert_eq!(attempts(&world, &HookSource::App).await.len(), 2);
}

#[tokio::test]
async fn hooks_are_for_admins() {
    let world = World::start().await;
    world.sim.add_webhook("http://127.0.0.1:1/webhooks/github", "k", &[]);
    assert!(!world.github.is_app());
    assert_eq!(world.github.app_hook().await, Ok(None));
    let hook = world.github.repository_hooks(&world.repo).await.unwrap().remove(0).source;
    world.sim.add_user("writer", "acme", "api", Permission::Write).unwrap();
    world.sim.add_token("writer", "writer-token");
    let writer = connect(&world.sim.url, token("writer-token"));
    let listed = writer.repository_hooks(&world.repo).await.unwrap_err();
    assert!(matches!(listed, ForgeError::Forbidden { .. }), "{listed:?}");
    let deliveries = writer.deliveries(&hook, None).await.unwrap_err();
    assert!(matches!(deliveries, ForgeError::Forbidden { .. }), "{deliveries:?}");
    assert!(writer.hook_deliveries().is_some());
    assert!(matches!(writer.redeliver(&HookSource::App, 1).await, Err(ForgeError::NotFound { .. })));
}
