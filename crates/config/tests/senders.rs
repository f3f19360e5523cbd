//! Webhooks, connections and repositories of every kind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use config::{Auth, EXAMPLE, Loaded, Proof, Rate, Role, SecretRef, Webhook, load};
use schemas::event::SourceKind;
use schemas::mapping::{Dedupe, Encoding, Place};
use schemas::{ConnectionName, RepoRef, WebhookName};
use secrecy::ExposeSecret;

fn read(text: &str, more: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pullwright.yaml"), text).unwrap();
    load(None, &environment(folder.path(), more)).unwrap()
}

fn environment(folder: &Path, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let fixed = [("PWD", folder.to_str().unwrap()), ("XDG_CONFIG_HOME", "/nowhere")];
    fixed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn webhook<'a>(loaded: &'a Loaded, name: &str) -> &'a Webhook {
    &loaded.settings.webhooks[&WebhookName::from(name)]
}

fn shown(secrets: &[SecretRef]) -> Vec<String> {
    secrets.iter().map(ToString::to_string).collect()
}

const ALL: &str = r#"
webhooks:
  github: { kind: github, secret: "${env:S1}" }
  gitlab: { kind: gitlab, signing_token: ["${env:S2}", "${env:S3}"], secret_token: "${env:S4}" }
  gitlab-old: { kind: gitlab, secret_token: "${env:S5}", connection: gitlab }
  jira: { kind: jira, secret: "${env:S6}" }
  jira-app: { kind: jira, oauth: "${env:S7}", connection: jira }
  sentry: { kind: sentry, secret: "${env:S8}" }
  gitea: { kind: gitea, secret: "${env:S9}" }
  bitbucket: { kind: bitbucket, secret: "${env:S10}" }
  linear: { kind: linear, secret: "${env:S11}" }
  slack: { kind: slack, secret: "${env:S12}", rate: 10/s }
  builds:
    kind: generic
    scheme: { hmac: { header: X-Signature, prefix: "sha256=", encoding: base64, secret: "${env:S13}" } }
    mapping: { type: /kind, repository: /repo, title: Build, dedupe: { header: X-Id } }
    connection: github
    networks: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7]
    rate: { per_minute: 600, burst: 100 }
  pager: { kind: generic, scheme: { standard_webhooks: "${env:S14}" }, mapping: { type: alert.triggered } }
  cron: { kind: generic, scheme: { bearer: ["${env:S15}", "${env:S16}"] }, mapping: { type: /t, dedupe: none } }
  here: { kind: gitea, insecure: true }
connections:
  github: { kind: github, auth: { token: "${env:T1}" } }
  gitlab: { kind: gitlab, auth: { token: "${env:T2}" } }
  jira: { kind: jira, url: https://acme.atlassian.net/, auth: { email: bot@acme.dev, token: "${env:T3}" } }
  own-jira: { kind: jira, url: https://jira.acme.dev, auth: { token: "${env:T4}" } }
  sentry: { kind: sentry, auth: { token: "${env:T5}" } }
repositories:
  - { match: github/acme/api, alias: api, sentry_projects: [api], jira_projects: [PAY, own-jira/OPS] }
  - { match: gitlab/acme/web/site, alias: site-2.0, jira_projects: [OPS] }
intake: { trusted_proxies: [10.0.0.0/8, 127.0.0.1], memory: 64MiB }
"#;

#[test]
fn every_kind_of_webhook() {
    let loaded = read(ALL, &[]);
    for (name, kind, connection) in [
        ("github", SourceKind::Github, "github"),
        ("gitlab", SourceKind::Gitlab, "gitlab"),
        ("gitlab-old", SourceKind::Gitlab, "gitlab"),
        ("jira", SourceKind::Jira, "jira"),
        ("jira-app", SourceKind::Jira, "jira"),
        ("sentry", SourceKind::Sentry, "sentry"),
        ("gitea", SourceKind::Gitea, "gitea"),
        ("bitbucket", SourceKind::Bitbucket, "bitbucket"),
        ("linear", SourceKind::Linear, "linear"),
        ("slack", SourceKind::Slack, "slack"),
        ("builds", SourceKind::Generic, "github"),
        ("pager", SourceKind::Generic, "pager"),
        ("here", SourceKind::Gitea, "here"),
    ] {
        let webhook = webhook(&loaded, name);
        assert_eq!((webhook.kind, webhook.connection.as_str()), (kind, connection), "{name}");
        assert_eq!(webhook.is_insecure(), name == "here", "{name}");
        assert_eq!(webhook.mapping.is_some(), kind == SourceKind::Generic, "{name}");
    }
    let Proof::Tokens { signing, secret } = &webhook(&loaded, "gitlab").proof else { panic!("tokens") };
    assert_eq!(
        (shown(signing), shown(secret)),
        (vec!["${env:S2}".into(), "${env:S3}".into()], vec!["${env:S4}".into()])
    );
    assert!(matches!(&webhook(&loaded, "jira").proof, Proof::Secret(secrets) if secrets.len() == 1));
    assert!(matches!(&webhook(&loaded, "jira-app").proof, Proof::OAuth(secrets) if secrets.len() == 1));
    assert!(
        matches!(&webhook(&loaded, "pager").proof, Proof::StandardWebhooks(secrets) if secrets.len() == 1)
    );
    assert!(matches!(&webhook(&loaded, "cron").proof, Proof::Bearer(secrets) if secrets.len() == 2));
    let Proof::Hmac { header, prefix, encoding, secrets } = &webhook(&loaded, "builds").proof else {
        panic!("an HMAC")
    };
    assert_eq!((header.as_str(), prefix.as_str(), *encoding), ("X-Signature", "sha256=", Encoding::Base64));
    assert_eq!(shown(secrets), ["${env:S13}"]);
}

#[test]
fn a_mapping_says_where_a_body_holds_what() {
    let loaded = read(ALL, &[]);
    let mapping = webhook(&loaded, "builds").mapping.as_ref().unwrap();
    assert_eq!(mapping.r#type, Place::Pointer("/kind".into()));
    assert_eq!(mapping.title, Some(Place::Constant("Build".into())));
    assert_eq!(mapping.dedupe, Some(Dedupe::Header("X-Id".into())));
    assert_eq!(webhook(&loaded, "pager").mapping.as_ref().unwrap().dedupe, None);
    assert_eq!(webhook(&loaded, "cron").mapping.as_ref().unwrap().dedupe, Some(Dedupe::None));
}

#[test]
fn limits_of_a_webhook() {
    let loaded = read(ALL, &[]);
    let rate = |per_minute: u32, burst: u32| {
        Some(Rate { per_minute: per_minute.try_into().unwrap(), burst: burst.try_into().unwrap() })
    };
    assert_eq!(webhook(&loaded, "builds").rate, rate(600, 100));
    assert_eq!(webhook(&loaded, "slack").rate, rate(600, 10));
    assert_eq!(webhook(&loaded, "github").rate, None);
    let networks: Vec<String> = webhook(&loaded, "builds").networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]);
    let proxies: Vec<String> =
        loaded.settings.intake.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "127.0.0.1/32"]);
    assert_eq!(loaded.settings.intake.memory, 64 << 20);
}

#[test]
fn every_kind_of_connection() {
    let loaded = read(ALL, &[]);
    for (name, kind, url, forge) in [
        ("github", SourceKind::Github, "https://api.github.com", true),
        ("gitlab", SourceKind::Gitlab, "https://gitlab.com", true),
        ("jira", SourceKind::Jira, "https://acme.atlassian.net", false),
        ("own-jira", SourceKind::Jira, "https://jira.acme.dev", false),
        ("sentry", SourceKind::Sentry, "https://sentry.io", false),
    ] {
        let connection = &loaded.settings.connections[&ConnectionName::from(name)];
        assert_eq!((connection.kind, connection.url.as_str()), (kind, url), "{name}");
        assert_eq!(connection.has_repositories(), forge, "{name}");
    }
    let jira = &loaded.settings.connections[&ConnectionName::from("jira")].auth;
    assert!(matches!(jira, Auth::Account { email, .. } if email == "bot@acme.dev"));
}

#[test]
fn each_role_resolves_its_own_secrets_of_every_kind() {
    let loaded = read(ALL, &[]);
    let env = |prefix: &str, count: usize| -> BTreeMap<String, String> {
        (1..=count).map(|n| (format!("{prefix}{n}"), format!("value-{prefix}{n}"))).collect()
    };
    let ingress = loaded.secrets(Role::Ingress, &env("S", 16)).unwrap();
    assert!(ingress.connections.is_empty());
    let mut secrets: Vec<&str> =
        ingress.webhooks.values().flat_map(Proof::secrets).map(ExposeSecret::expose_secret).collect();
    secrets.sort_unstable();
    secrets.dedup();
    assert_eq!(secrets.len(), 16);
    assert_eq!(ingress.webhooks.len(), loaded.settings.webhooks.len());
    let dispatcher = loaded.secrets(Role::Dispatcher, &env("T", 5)).unwrap();
    assert!(dispatcher.webhooks.is_empty());
    assert_eq!(dispatcher.connections.len(), 5);
    for n in 1..=16 {
        let one = BTreeMap::from([(format!("S{n}"), "x".to_owned())]);
        loaded.secrets(Role::Worker, &one).unwrap_err();
        loaded
            .secrets(Role::Dispatcher, &one.into_iter().chain(env("T", 5)).collect::<BTreeMap<_, _>>())
            .unwrap_err();
    }
    for n in 1..=5 {
        let one = BTreeMap::from([(format!("T{n}"), "x".to_owned())]);
        loaded
            .secrets(Role::Ingress, &one.into_iter().chain(env("S", 16)).collect::<BTreeMap<_, _>>())
            .unwrap_err();
    }
}

#[test]
fn variables_override_single_values_of_every_kind() {
    let loaded = read(
        ALL,
        &[
            ("PULLWRIGHT__WEBHOOKS__GITLAB__SECRET_TOKEN", "[\"${env:A}\", \"${env:B}\"]"),
            ("PULLWRIGHT__WEBHOOKS__BUILDS__SCHEME__HMAC__SECRET", "${env:C}"),
            ("PULLWRIGHT__WEBHOOKS__BUILDS__RATE", "5/s"),
            ("PULLWRIGHT__WEBHOOKS__BUILDS__NETWORKS", "[192.0.2.0/24]"),
            ("PULLWRIGHT__WEBHOOKS__PAGER__MAPPING", "{ type: push }"),
            ("PULLWRIGHT__CONNECTIONS__JIRA__AUTH__EMAIL", "other@acme.dev"),
            ("PULLWRIGHT__INTAKE__TRUSTED_PROXIES", "[]"),
        ],
    );
    let Proof::Tokens { signing, secret } = &webhook(&loaded, "gitlab").proof else { panic!("tokens") };
    assert_eq!((signing.len(), shown(secret)), (2, vec!["${env:A}".into(), "${env:B}".into()]));
    let builds = webhook(&loaded, "builds");
    assert!(
        matches!(&builds.proof, Proof::Hmac { encoding: Encoding::Base64, secrets, .. } if shown(secrets) == ["${env:C}"])
    );
    assert_eq!((builds.rate.unwrap().burst.get(), builds.networks.len()), (5, 1));
    assert_eq!(webhook(&loaded, "pager").mapping.as_ref().unwrap().r#type, Place::Constant("push".into()));
    let jira = &loaded.settings.connections[&ConnectionName::from("jira")].auth;
    assert!(matches!(jira, Auth::Account { email, .. } if email == "other@acme.dev"));
    assert!(loaded.settings.intake.trusted_proxies.is_empty());
}

#[test]
fn work_without_a_repository_finds_one() {
    let settings = read(ALL, &[]).settings;
    let api: Option<RepoRef> = Some("github/acme/api".parse().unwrap());
    let site: Option<RepoRef> = Some("gitlab/acme/web/site".parse().unwrap());
    let of = |kind, connection: &str, project: &str| {
        settings.repository_of_project(kind, &ConnectionName::from(connection), project)
    };
    assert_eq!(of(SourceKind::Jira, "jira", "PAY"), api);
    assert_eq!(of(SourceKind::Jira, "own-jira", "PAY"), api);
    assert_eq!(of(SourceKind::Jira, "jira", "OPS"), site);
    assert_eq!(of(SourceKind::Jira, "own-jira", "OPS"), api);
    assert_eq!(of(SourceKind::Sentry, "sentry", "api"), api);
    assert_eq!(of(SourceKind::Jira, "jira", "api"), None);
    assert_eq!(of(SourceKind::Sentry, "sentry", "PAY"), None);
    assert_eq!(settings.repository_by_alias("api"), api);
    assert_eq!(settings.repository_by_alias("Site-2.0"), site);
    assert_eq!(settings.repository_by_alias("acme"), None);
}

#[test]
fn webhooks_without_a_connection_may_share_a_name() {
    let loaded = read(
        r#"webhooks:
  linear: { kind: linear, secret: "${env:A}" }
  linear-2: { kind: linear, secret: "${env:B}", connection: linear }
  forms: { kind: generic, scheme: { bearer: "${env:C}" }, mapping: { type: /t }, connection: linear }
  sentry-eu: { kind: sentry, secret: "${env:D}" }
connections:
  github: { kind: github, auth: { token: "${env:T}" } }
repositories:
  - { match: github/acme/api, sentry_projects: [sentry-eu/api] }
"#,
        &[],
    );
    for name in ["linear", "linear-2", "forms"] {
        assert_eq!(webhook(&loaded, name).connection.as_str(), "linear", "{name}");
    }
    let found =
        |tracker: &str| loaded.settings.repository_of_project(SourceKind::Sentry, &tracker.into(), "api");
    assert!(found("sentry-eu").is_some() && found("sentry").is_none());
}

#[test]
fn what_is_probably_not_meant_to_stay_is_said() {
    let of = |text: &str| {
        let warnings = read(text, &[]).settings.warnings();
        warnings.iter().map(|warning| warning.webhook.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of(ALL), ["here"]);
    let hook = |listen: &str, networks: &str, proxies: &str| {
        of(&format!(
            "listen: {{ webhooks: \"{listen}\" }}\nintake: {{ trusted_proxies: [{proxies}] }}\n\
             webhooks: {{ it: {{ kind: gitea, secret: \"${{env:S}}\", networks: [{networks}] }} }}"
        ))
    };
    for (listen, networks, proxies, warned) in [
        ("127.0.0.1:1", "192.0.2.0/24", "", true),
        ("[::1]:1", "192.0.2.0/24", "10.0.0.0/8", true),
        ("127.0.0.1:1", "192.0.2.0/24", "127.0.0.1", false),
        ("127.0.0.1:1", "127.0.0.0/8", "", false),
        ("127.0.0.1:1", "0.0.0.0/0", "", false),
        ("0.0.0.0:1", "192.0.2.0/24", "", false),
    ] {
        assert_eq!(!hook(listen, networks, proxies).is_empty(), warned, "{listen} {networks} {proxies}");
    }
}

/// `pullwright init` writes a file that mentions every key.
#[test]
fn the_example_mentions_every_key() {
    for section in [
        "",
        "listen: ",
        "workers: ",
        "intake: ",
        "runs: ",
        "broker: embedded: ",
        "automations: ",
        "webhooks: it: ",
        "webhooks: it: scheme: ",
        "webhooks: it: scheme: hmac: ",
        "webhooks: it: mapping: ",
        "connections: it: ",
        "connections: it: auth: ",
        "connections: it: auth: app: ",
        "repositories: ",
    ] {
        let keys: Vec<&str> = section.split_terminator(": ").collect();
        let inner = if section == "repositories: " { "[{ zzzzzzzz: 1 }]" } else { "{ zzzzzzzz: 1 }" };
        let text = keys.iter().rev().fold(inner.to_owned(), |inner, key| format!("{{ {key}: {inner} }}"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pullwright.yaml"), text).unwrap();
        let error = load(None, &environment(folder.path(), &[])).unwrap_err();
        let config::ConfigError::Invalid(error) = error else { panic!("{section}") };
        let help = error.remedy().unwrap().to_owned();
        let known =
            help.strip_prefix("possible here: ").unwrap_or_else(|| panic!("{section}: {error} {help}"));
        for key in known.split(", ") {
            let mentioned =
                |line: &str| line.contains(&format!("{key}: ")) || line.ends_with(&format!("{key}:"));
            assert!(EXAMPLE.lines().any(mentioned), "{section}{key}");
        }
    }
}
