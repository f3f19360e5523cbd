//! Hooks that GitLab switched off are named, those of others are not.

use chrono::{TimeZone, Utc};
use forge::{Forge, ForgeError};
use schemas::WebhookName;

use super::support::{PROJECT, World};

#[tokio::test]
async fn disabled_hooks_are_sentences() {
    let world = World::start().await;
    let until = Utc.with_ymd_and_hms(2026, 11, 22, 7, 30, 0).single();
    let there = world.there();
    for (url, status, until) in [
        ("https://hooks.acme.dev/webhooks/gitlab", "executable", None),
        ("https://old.acme.dev/webhooks/gitlab", "disabled", None),
        ("https://{host}/pw/webhooks/gitlab", "temporarily_disabled", until),
        ("https://ci.acme.dev/webhooks/gitlab-ci", "disabled", None),
        ("https://ci.acme.dev/", "disabled", None),
    ] {
        there.add_hook(PROJECT, url, status, until).unwrap();
    }
    let names = [WebhookName::from("jira"), WebhookName::from("gitlab")];
    let told = world.gitlab.hook_problems(&world.repo, &names).await.unwrap();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains(&format!("of gitlab/{PROJECT}")) && told[0].contains("for good"), "{}", told[0]);
    assert!(told[1].contains("until 2026-11-22 07:30 UTC"), "{}", told[1]);
    assert!(world.gitlab.hook_problems(&world.repo, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn hooks_are_for_maintainers() {
    let world = World::start().await;
    world.there().set_member(PROJECT, "sim-user", 30).unwrap();
    let refused = world.gitlab.hook_problems(&world.repo, &[WebhookName::from("gitlab")]).await;
    assert!(matches!(refused, Err(ForgeError::Forbidden { .. })), "{refused:?}");
}
