//! Checks of each webhook against a Pullwright that is running: a signed delivery without effect has
//! to be taken.

use std::collections::BTreeMap;
use std::net::IpAddr;

use config::Settings;
use ingress::Route;
use schemas::{Clock, WebhookName};

use super::Check;
use crate::cli::client::{self, Client};

/// Delivers one to every webhook, where Pullwright is running.
pub(super) async fn all(
    settings: &Settings,
    routes: &BTreeMap<WebhookName, Route>,
    clock: &dyn Clock,
) -> Vec<Check> {
    let server = client::at(settings.listen.webhooks);
    let running = client::healthy(&server).await;
    let mut checks = Vec::new();
    for (name, route) in routes {
        checks.push(match (running, sent_from(settings, route)) {
            (true, Ok(from)) => ping(&server, name, route, from, clock).await,
            (true, Err(refused)) => Check::warn(
                called(name),
                format!("no ping was delivered: `networks` lets nobody at {refused} in, so not us"),
                "deliver one from the sender's own page",
            ),
            (false, _) => Check::ok(
                called(name),
                "configured; `doctor` delivers a ping to it while `pullwright up` is running",
            ),
        });
    }
    checks
}

fn called(name: &WebhookName) -> String {
    format!("webhook {name}")
}

/// Where a ping has to say that it comes from, as a proxy would, to get through `networks`; an error
/// where nobody would believe it.
pub(super) fn sent_from(settings: &Settings, route: &Route) -> Result<Option<IpAddr>, IpAddr> {
    let listening = settings.listen.webhooks.ip();
    // A call to an address of this machine comes from that address.
    let here = match listening {
        IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let trusted = |ip: &IpAddr| settings.intake.trusted_proxies.iter().any(|proxies| proxies.contains(ip));
    if route.networks.is_empty() || route.networks.iter().any(|network| network.contains(&here)) {
        return Ok(None);
    }
    let stranger = route.networks.iter().map(|network| network.addr()).find(|ip| !trusted(ip));
    match stranger.filter(|_| trusted(&here)) {
        Some(stranger) => Ok(Some(stranger)),
        None => Err(here),
    }
}

async fn ping(
    server: &str,
    webhook: &WebhookName,
    route: &Route,
    from: Option<IpAddr>,
    clock: &dyn Clock,
) -> Check {
    let name = called(webhook);
    let (mut headers, body) = route.sender.ping(&clock.fresh_id().to_string(), clock.now());
    headers.extend(from.map(|from| ("x-forwarded-for", from.to_string())));
    let delivered = async { Client::at(server, "")?.deliver(webhook, headers, body).await };
    match delivered.await.map(|(status, _)| status) {
        Ok(status) if status == route.sender.accepted_status() => {
            let said = if route.insecure { "a ping was taken, as any is" } else { "a signed ping was taken" };
            Check::ok(name, said)
        }
        Ok(401) => Check::fail(
            name,
            "the running Pullwright does not believe our signature",
            "it was started with another secret: restart it, or run doctor in its environment",
        ),
        Ok(403) => Check::fail(
            name,
            "the running Pullwright does not let us in",
            "it was started with other `networks` or `trusted_proxies`: restart it",
        ),
        Ok(404) => Check::fail(
            name,
            "the running Pullwright does not know it",
            "it was started with another configuration: restart it",
        ),
        Ok(429) => Check::warn(
            name,
            "the running Pullwright is busy with it, or its `rate` is used up",
            "try again in a minute; raise `rate` when the sender hears this too",
        ),
        Ok(status) => Check::fail(name, format!("a ping was answered {status}"), "its log says more"),
        Err(error) => Check::fail(name, error.to_string(), "its log says more"),
    }
}
