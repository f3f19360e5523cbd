//! Checks of each webhook against a Pullwright that is running: a signed ping has to be taken.

use config::{ExposeSecret, Secrets, Settings};
use schemas::{Clock, WebhookName};
use secrecy::SecretString;
use senders::{GitHub, Sender};

use super::Check;
use crate::cli::client;

/// Delivers a signed ping to every webhook, where Pullwright is running.
pub(super) async fn all(settings: &Settings, secrets: &Secrets, clock: &dyn Clock) -> Vec<Check> {
    let server = client::at(settings.listen.webhooks);
    let running = client::healthy(&server).await;
    let mut checks = Vec::new();
    for (name, secrets) in &secrets.webhooks {
        let check_name = format!("webhook {name}");
        checks.push(if running {
            ping(&server, name, secrets, clock).await
        } else {
            Check::ok(
                check_name,
                "configured; `doctor` delivers a ping to it while `pullwright up` is running",
            )
        });
    }
    checks
}

async fn ping(server: &str, webhook: &WebhookName, secrets: &[SecretString], clock: &dyn Clock) -> Check {
    let name = format!("webhook {webhook}");
    let keys = secrets.iter().map(|secret| secret.expose_secret().as_bytes().to_vec()).collect();
    let sender = match GitHub::new(keys) {
        Ok(github) => Sender::GitHub(github),
        Err(error) => return Check::fail(name, error.to_string(), "give it a secret"),
    };
    let (headers, body) = sender.sample(&clock.fresh_id().to_string(), clock.now());
    let mut request = reqwest::Client::new().post(format!("{server}/webhooks/{webhook}")).body(body);
    for (header, value) in headers {
        request = request.header(header, value);
    }
    match request.send().await.map(|answer| answer.status().as_u16()) {
        Ok(202) => Check::ok(name, "a signed ping was taken"),
        Ok(401) => Check::fail(
            name,
            "the running Pullwright does not believe our signature",
            "it was started with another secret: restart it, or run doctor in its environment",
        ),
        Ok(404) => Check::fail(
            name,
            "the running Pullwright does not know it",
            "it was started with another configuration: restart it",
        ),
        Ok(status) => Check::fail(name, format!("a ping was answered {status}"), "its log says more"),
        Err(error) => Check::fail(name, format!("a ping was not answered: {error}"), "its log says more"),
    }
}
