//! Roles refuse what is another's, before they open anything.

use std::process::Stdio;
use std::time::Duration;

use crate::support::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_refuses_what_is_not_its_own() {
    let world = Plan::running(&["true"]).prepare().await;
    let broker = "amqp://a:${env:BROKER_PASSWORD}@127.0.0.1:1/main";
    let credential = "may not hold the credential of the connection `github`";
    let secret = "may not hold the secret of the webhook `github`";
    let password = "may not hold the password of the broker";
    let alone = "needs RabbitMQ";
    for (role, without, broker, wanted) in [
        ("ingress", "", broker, credential),
        ("dispatcher", "", broker, secret),
        ("worker", "GITHUB_TOKEN", broker, secret),
        ("worker", "GITHUB_TOKEN GITHUB_WEBHOOK_SECRET", broker, password),
        ("ingress", "GITHUB_TOKEN", "embedded", alone),
        ("dispatcher", "GITHUB_WEBHOOK_SECRET", "embedded", alone),
    ] {
        let mut command = world.command(&[role, "--log-format", "json"]);
        for name in without.split_whitespace() {
            command.env_remove(name);
        }
        command.env("PULLWRIGHT__BROKER", broker).env("BROKER_PASSWORD", "x").stdin(Stdio::null());
        let output = command.kill_on_drop(true).output();
        let output = tokio::time::timeout(Duration::from_secs(30), output).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        // The sentences are broken into lines by their width.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │ ", " ");
        assert_eq!(output.status.code(), Some(2), "{role}: {text}");
        assert!(text.contains(wanted), "{role} without {without}: {text}");
    }
    assert!(!world.path("data").exists(), "something was opened");
}
