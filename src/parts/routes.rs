//! Webhook routes from settings and secrets, as the intake takes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use broker::Publisher;
use config::{ExposeSecret, Proof, Secrets, Settings, Webhook};
use ingress::body::BodyLimits;
use ingress::{Intake, IntakeLimits, Route};
use miette::Diagnostic;
use schemas::event::SourceKind;
use schemas::mapping::{Dedupe, Mapping};
use schemas::{Clock, WebhookName};
use secrecy::SecretString;
use senders::generic::Scheme;
use senders::{
    Bitbucket, Generic, GitHub, GitLab, Gitea, InvalidSecret, Jira, Linear, Sender, Sentry, Slack,
};
use telemetry::metrics::Meters;

/// A webhook whose secret is there, and is none.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the webhook `{webhook}` cannot be served")]
#[diagnostic(help("mend what its secret in the configuration refers to"))]
pub struct Unservable {
    /// Which.
    pub webhook: WebhookName,
    /// Why.
    pub source: InvalidSecret,
}

/// Every webhook that `secrets` are for: one result each, as a doctor wants to see them all.
pub fn each(
    settings: &Settings,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Vec<(WebhookName, Result<Route, Unservable>)> {
    let with_proof = |(name, webhook): (&WebhookName, &Webhook)| {
        let proof = secrets.webhooks.get(name)?;
        let route = route(webhook, proof, clock);
        Some((name.clone(), route.map_err(|source| Unservable { webhook: name.clone(), source })))
    };
    settings.webhooks.iter().filter_map(with_proof).collect()
}

/// The webhook routes; how they are limited is the configuration's.
///
/// # Errors
/// When a secret is not what its sender hands out.
pub fn router(
    settings: &Settings,
    secrets: &Secrets,
    publisher: Arc<dyn Publisher>,
    clock: &Arc<dyn Clock>,
    meters: Meters,
) -> Result<Router, Unservable> {
    let routes: Result<BTreeMap<WebhookName, Route>, Unservable> =
        each(settings, secrets, &**clock).into_iter().map(|(name, route)| Ok((name, route?))).collect();
    let intake = &settings.intake;
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let body = BodyLimits::default();
    let limits = IntakeLimits {
        body: BodyLimits {
            bytes: bytes(intake.max_body),
            idle: intake.body_timeout,
            total: body.total.max(intake.body_timeout),
        },
        bodies: bytes(intake.memory),
        trusted_proxies: intake.trusted_proxies.clone(),
        ..IntakeLimits::default()
    };
    Ok(ingress::router(Intake::new(routes?, publisher, Arc::clone(clock), limits, meters)))
}

fn route(webhook: &Webhook, proof: &Proof<SecretString>, clock: &dyn Clock) -> Result<Route, InvalidSecret> {
    let rate = webhook.rate.map(|rate| ingress::Rate { per_minute: rate.per_minute, burst: rate.burst });
    Ok(Route {
        sender: sender(webhook, proof, clock)?,
        insecure: webhook.is_insecure(),
        networks: webhook.networks.clone(),
        rate,
    })
}

/// The sender of a webhook. An insecure one gets a secret that nobody knows and nobody asks for.
///
/// # Errors
/// When a secret is not what the sender hands out.
pub fn sender(
    webhook: &Webhook,
    proof: &Proof<SecretString>,
    clock: &dyn Clock,
) -> Result<Sender, InvalidSecret> {
    let by_secret = |secrets| by_secret(webhook, secrets);
    let generic = |scheme| Ok(Sender::Generic(Generic::new(scheme, id_header(webhook))?));
    match proof {
        Proof::Nothing => {
            let nobodys: String = clock.secret_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            by_secret(vec![nobodys.into_bytes()])
        }
        Proof::Secret(secrets) => by_secret(bytes(secrets)),
        Proof::Tokens { signing, secret } => Ok(Sender::GitLab(GitLab::new(texts(signing), bytes(secret))?)),
        Proof::OAuth(secrets) => Ok(Sender::Jira(Jira::oauth(&bytes(secrets))?)),
        Proof::StandardWebhooks(tokens) => generic(Scheme::StandardWebhooks { tokens: texts(tokens) }),
        Proof::Hmac { header, prefix, encoding, secrets } => generic(Scheme::Hmac {
            header: header.clone(),
            prefix: prefix.clone(),
            encoding: *encoding,
            secrets: bytes(secrets),
        }),
        Proof::Bearer(tokens) => generic(Scheme::Bearer { tokens: bytes(tokens) }),
    }
}

fn by_secret(webhook: &Webhook, secrets: Vec<Vec<u8>>) -> Result<Sender, InvalidSecret> {
    Ok(match webhook.kind {
        SourceKind::Github => Sender::GitHub(GitHub::new(secrets)?),
        SourceKind::Gitlab => Sender::GitLab(GitLab::new(Vec::new(), secrets)?),
        SourceKind::Jira => Sender::Jira(Jira::signed(&secrets)?),
        SourceKind::Sentry => Sender::Sentry(Sentry::new(&secrets)?),
        SourceKind::Gitea => Sender::Gitea(Gitea::new(&secrets)?),
        SourceKind::Bitbucket => Sender::Bitbucket(Bitbucket::new(&secrets)?),
        SourceKind::Linear => Sender::Linear(Linear::new(&secrets)?),
        SourceKind::Slack => Sender::Slack(Slack::new(&secrets)?),
        SourceKind::Generic | SourceKind::Pullwright => {
            Sender::Generic(Generic::new(Scheme::Bearer { tokens: secrets }, id_header(webhook))?)
        }
    })
}

/// The header that tells one delivery of a generic webhook from another.
fn id_header(webhook: &Webhook) -> Option<&str> {
    match &webhook.mapping {
        Some(Mapping { dedupe: Some(Dedupe::Header(name)), .. }) => Some(name),
        _ => None,
    }
}

fn texts(secrets: &[SecretString]) -> Vec<String> {
    secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
}

fn bytes(secrets: &[SecretString]) -> Vec<Vec<u8>> {
    secrets.iter().map(|secret| secret.expose_secret().as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName};
    use config::Role;
    use schemas::SystemClock;

    use super::*;

    const ALL: &str = r#"
webhooks:
  github: { kind: github, secret: "${env:PLAIN}", rate: 10/s, networks: [192.0.2.0/24] }
  gitlab: { kind: gitlab, signing_token: "${env:SIGNING}", secret_token: "${env:PLAIN}" }
  gitlab-old: { kind: gitlab, secret_token: "${env:PLAIN}" }
  jira: { kind: jira, secret: "${env:PLAIN}" }
  jira-app: { kind: jira, oauth: "${env:PLAIN}" }
  sentry: { kind: sentry, secret: "${env:PLAIN}" }
  gitea: { kind: gitea, secret: "${env:PLAIN}" }
  bitbucket: { kind: bitbucket, secret: "${env:PLAIN}" }
  linear: { kind: linear, secret: "${env:PLAIN}" }
  slack: { kind: slack, secret: "${env:PLAIN}" }
  standard: { kind: generic, scheme: { standard_webhooks: "${env:SIGNING}" }, mapping: { type: push } }
  hmac: { kind: generic, scheme: { hmac: { header: X-Sig, secret: "${env:PLAIN}" } }, mapping: { type: push } }
  bearer: { kind: generic, scheme: { bearer: "${env:PLAIN}" }, mapping: { type: push, dedupe: { header: X-Id } } }
  here: { kind: slack, insecure: true }
  here-too: { kind: generic, insecure: true, mapping: { type: push, dedupe: { header: X-Id } } }
connections:
  github: { kind: github, auth: { token: "${env:PLAIN}" } }
"#;

    fn read(signing: &str) -> (Settings, Secrets) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pullwright.yaml");
        std::fs::write(&file, ALL).unwrap();
        let env = BTreeMap::from([
            ("PLAIN".to_owned(), "0123456789abcdef".to_owned()),
            ("SIGNING".to_owned(), signing.to_owned()),
        ]);
        let loaded = config::load(Some(&file), &env).unwrap();
        let secrets = loaded.secrets(Role::Up, &env).unwrap();
        (loaded.settings, secrets)
    }

    #[test]
    fn every_kind_takes_what_it_signs() {
        let clock = SystemClock::new();
        let (settings, secrets) = read("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3");
        let routes = each(&settings, &secrets, &clock);
        assert_eq!(routes.len(), settings.webhooks.len());
        for (name, route) in routes {
            let route = route.unwrap();
            assert_eq!(route.sender.kind(), settings.webhooks[&name].kind, "{name}");
            assert_eq!(route.insecure, name.as_str().starts_with("here"), "{name}");
            let (headers, body) = route.sender.ping("0190a9c0-0000-7000-8000-000000000001", clock.now());
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            route.sender.verify(&headers, &body, clock.now()).unwrap();
            let limited = name.as_str() == "github";
            assert_eq!((route.networks.len(), route.rate.is_some()), (limited.into(), limited), "{name}");
            let kept = route.sender.kept_headers().contains(&"x-id");
            assert_eq!(kept, ["bearer", "here-too"].contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn what_is_no_signing_token_is_said_of_its_webhook() {
        let (settings, secrets) = read("0123456789abcdef");
        let refused: Vec<(String, String)> = each(&settings, &secrets, &SystemClock::new())
            .into_iter()
            .filter_map(|(_, route)| route.err())
            .map(|error| (error.to_string(), error.source.to_string()))
            .collect();
        let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["the webhook `gitlab` cannot be served", "the webhook `standard` cannot be served"]
        );
        assert!(refused.iter().all(|(_, why)| why.contains("whsec_") && !why.contains("0123")));
    }
}
