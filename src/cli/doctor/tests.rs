//! What doctor says of what it may find.

use std::io;

use ::forge::{ForgeError, Identity, RepositoryFacts};
use chrono::{DateTime, Duration, Utc};
use schemas::event::SourceKind;
use schemas::{ConnectionName, RepoRef};
use worker::sandbox::SandboxError;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn us(machine: bool, grants: Option<&[&str]>) -> Identity {
    Identity {
        id: "7".into(),
        login: "fixer".into(),
        machine,
        grants: grants.map(|grants| grants.iter().map(|grant| (*grant).to_owned()).collect()),
        clock: Some(now()),
    }
}

#[test]
fn a_clock_and_tables_that_differ_are_told() {
    let address = store::Address::Postgres(store::PostgresAddress {
        host: "db".into(),
        port: 5432,
        user: "bot".into(),
        password: Some("hunter2".into()),
        database: "pullwright".into(),
        tls: store::Tls::VerifyFull,
        root_certificates: None,
    });
    for (seconds, state) in [(0, State::Ok), (5, State::Ok), (6, State::Warn), (-90, State::Warn)] {
        let greeted = store::Server { version: "15.8".into(), now: now() + Duration::seconds(seconds) };
        let checks = database::judge_server(&address, &greeted, now());
        assert_eq!(checks[1].state, state, "{seconds}: {}", checks[1].what);
        assert_eq!(checks[0].what, "pullwright at db:5432, PostgreSQL 15.8");
    }
    let migration = |applied, known| store::Migration { name: format!("m{applied}{known}"), applied, known };
    let judged = |all| database::judge_tables(&address, &store::Migrations { all }).state;
    assert_eq!(judged(vec![migration(true, true)]), State::Ok);
    assert_eq!(judged(vec![migration(false, true)]), State::Ok, "a new database");
    assert_eq!(judged(vec![migration(true, true), migration(false, true)]), State::Warn);
    assert_eq!(judged(vec![migration(true, true), migration(true, false)]), State::Fail);
}

/// The worst state, and the first remedy.
fn judged(answer: Result<Identity, ForgeError>) -> (State, Option<String>) {
    judged_at(SourceKind::Github, answer)
}

fn judged_at(kind: SourceKind, answer: Result<Identity, ForgeError>) -> (State, Option<String>) {
    let checks = forge::judge_identity(&ConnectionName::from("there"), kind, answer, now());
    let worst = checks.iter().max_by_key(|check| check.state).unwrap();
    (worst.state, worst.remedy.clone())
}

#[test]
fn permissions_are_judged_by_the_kind_of_account() {
    for (machine, grants, state) in [
        (false, Some(&["repo", "read:org"][..]), State::Ok),
        (false, Some(&["read:org"]), State::Fail),
        (false, Some(&[]), State::Fail),
        (false, None, State::Ok),
        (true, Some(&["contents:write", "issues:write", "pull_requests:write", "checks:write"]), State::Ok),
        (true, Some(&["contents:write", "issues:write", "pull_requests:write"]), State::Warn),
        (true, Some(&["contents:read", "issues:write", "pull_requests:write", "checks:write"]), State::Fail),
        // A machine account with a classic token.
        (true, Some(&["repo"]), State::Ok),
    ] {
        assert_eq!(judged(Ok(us(machine, grants))).0, state, "{machine} {grants:?}");
    }
    let (_, remedy) = judged(Ok(us(true, Some(&["contents:read", "issues:write"]))));
    assert!(remedy.unwrap().starts_with("give the App contents:write, pull_requests:write"));
}

#[test]
fn gitlab_has_scopes_of_its_own() {
    for (grants, state) in [
        (Some(&["api", "read_user"][..]), State::Ok),
        (Some(&["read_api", "write_repository"]), State::Fail),
        (None, State::Ok),
    ] {
        assert_eq!(judged_at(SourceKind::Gitlab, Ok(us(true, grants))).0, state, "{grants:?}");
    }
}

#[test]
fn clocks_are_compared() {
    for (seconds, state) in [(0, State::Ok), (-9, State::Ok), (10, State::Warn), (-61, State::Fail)] {
        let identity = Identity { clock: Some(now() + Duration::seconds(seconds)), ..us(false, None) };
        assert_eq!(judged(Ok(identity)).0, state, "{seconds}");
    }
    assert_eq!(judged(Ok(Identity { clock: None, ..us(false, None) })).0, State::Ok);
}

#[test]
fn every_refusal_has_a_remedy() {
    for error in [
        ForgeError::CredentialRefused,
        ForgeError::NotFound { what: "the account".into() },
        ForgeError::Forbidden { message: "no".into() },
        ForgeError::AlreadyExists,
        ForgeError::Refused { status: 400, message: "no".into() },
        ForgeError::RateLimited { retry_after: None },
        ForgeError::Unavailable { message: "connection refused".into() },
        ForgeError::Unclear { message: "reset".into() },
    ] {
        let (state, remedy) = judged(Err(error.clone()));
        assert_eq!(state, State::Fail, "{error}");
        assert!(remedy.is_some_and(|remedy| !remedy.is_empty()), "{error}");
        let repo: RepoRef = "github/acme/api".parse().unwrap();
        assert_eq!(forge::judge_repository(&repo, Err(error)).state, State::Fail);
    }
}

#[test]
fn a_repository_has_to_take_our_writes() {
    let repo: RepoRef = "github/acme/api".parse().unwrap();
    for (archived, can_push, state) in [
        (false, Some(true), State::Ok),
        (false, None, State::Ok),
        (false, Some(false), State::Fail),
        (true, Some(true), State::Fail),
    ] {
        let facts = RepositoryFacts { default_branch: "main".into(), archived, can_push };
        assert_eq!(forge::judge_repository(&repo, Ok(facts)).state, state, "{archived} {can_push:?}");
    }
}

#[test]
fn a_sandbox_holds_or_fails() {
    assert_eq!(host::judge_sandbox("bubblewrap 0.8.0", Ok(())).state, State::Ok);
    for error in [
        SandboxError::Missing(io::Error::from(io::ErrorKind::NotFound)),
        SandboxError::Refused { message: "user namespaces are off".into(), remedy: "turn them on".into() },
        SandboxError::Leaks("the network was reached".into()),
        SandboxError::Io(io::Error::other("no space left")),
    ] {
        let check = host::judge_sandbox("bubblewrap 0.8.0", Err(error));
        assert_eq!(check.state, State::Fail);
        assert!(check.remedy.is_some());
    }
    let lost =
        host::judge_sandbox("bubblewrap 0.8.0", Err(SandboxError::Io(io::Error::other("no space left"))));
    assert_eq!(lost.what, "the sandbox could not be started: no space left");
}

async fn checks_of(text: &str, env: &[(&str, &str)]) -> Vec<Check> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pullwright.yaml"), text).unwrap();
    std::fs::create_dir(folder.path().join("automations")).unwrap();
    let mut variables: BTreeMap<String, String> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.insert("PWD".to_owned(), folder.path().display().to_string());
    let clock = schemas::SystemClock::new();
    all(None, &Global::default(), &variables, &clock, async |_, _, _| Parts::default()).await
}

fn find<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

const RIGHT: &str = "\
listen: { webhooks: 127.0.0.1:0 }
webhooks: { github: { kind: github, secret: \"${env:HOOK}\" } }
connections: { github: { kind: github, auth: { token: \"${env:TOKEN}\" } } }
";

#[tokio::test]
async fn a_broken_configuration_is_a_finding_with_its_place() {
    let checks = checks_of("webhoks: {}\n", &[]).await;
    let check = find(&checks, "configuration");
    assert_eq!(check.state, State::Fail);
    assert_eq!(check.what, "pullwright.yaml:1:1: unknown key `webhoks`");
    assert_eq!(check.remedy.as_deref(), Some("did you mean `webhooks`?"));
}

#[tokio::test]
async fn secrets_are_looked_at_and_never_shown() {
    let missing = checks_of(RIGHT, &[("HOOK", "0123456789abcdef")]).await;
    assert_eq!(find(&missing, "secrets").state, State::Fail);
    let weak = checks_of(RIGHT, &[("HOOK", "hunter2"), ("TOKEN", "hunter2 hunter2")]).await;
    assert_eq!(find(&weak, "secret of webhook github").state, State::Warn);
    assert_eq!(find(&weak, "credential of github").state, State::Fail);
    assert!(!format!("{weak:?}").contains("hunter2"));
    let good = checks_of(RIGHT, &[("HOOK", "0123456789abcdef"), ("TOKEN", "ghp_1")]).await;
    for name in ["secret of webhook github", "credential of github", "data folder", "address of webhooks"] {
        assert_eq!(find(&good, name).state, State::Ok, "{name}");
    }
    assert_eq!(find(&good, "automations").state, State::Warn);
}

#[tokio::test]
async fn an_address_in_use_is_ours_or_a_finding() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    let stranger = tokio::spawn(async move {
        while let Ok((stream, _)) = other.accept().await {
            drop(stream);
        }
    });
    assert_eq!(host::listen("webhooks", address, address).await.state, State::Fail);

    let ours = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = ours.local_addr().unwrap();
    let healthz = axum::Router::new().route("/healthz", axum::routing::get(|| async { "ok" }));
    let server = tokio::spawn(async move { axum::serve(ours, healthz).await });
    // Its webhooks may be at an address of their own, which knows no `/healthz`.
    for (what_for, address) in [("api", api), ("webhooks", address)] {
        let check = host::listen(what_for, address, api).await;
        assert_eq!((check.state, check.what), (State::Ok, format!("Pullwright is running at {address}")));
    }
    stranger.abort();
    server.abort();
}

#[test]
fn a_ping_comes_from_where_deliveries_may_come_from() {
    for (listen, networks, proxies, from) in [
        ("127.0.0.1:1", "", "", Ok(None)),
        ("127.0.0.1:1", "127.0.0.0/8", "", Ok(None)),
        ("127.0.0.1:1", "192.0.2.0/24", "127.0.0.1", Ok(Some("192.0.2.0"))),
        ("127.0.0.1:1", "10.0.0.0/24, 192.0.2.0/24", "127.0.0.1, 10.0.0.0/8", Ok(Some("192.0.2.0"))),
        ("127.0.0.1:1", "192.0.2.0/24", "10.0.0.0/8", Err("127.0.0.1")),
        ("127.0.0.1:1", "10.0.0.0/24", "127.0.0.1, 10.0.0.0/8", Err("127.0.0.1")),
        ("0.0.0.0:1", "192.0.2.0/24", "", Err("127.0.0.1")),
        ("\"[::]:1\"", "192.0.2.0/24", "", Err("::1")),
        ("10.1.1.1:1", "10.0.0.0/8", "", Ok(None)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pullwright.yaml");
        let text = format!("listen: {{ webhooks: {listen} }}\nintake: {{ trusted_proxies: [{proxies}] }}\n");
        std::fs::write(&file, text).unwrap();
        let settings = config::load(Some(&file), &BTreeMap::new()).unwrap().settings;
        let gitea = senders::Gitea::new(&[b"0123456789abcdef".to_vec()]).unwrap();
        let networks = networks.split(", ").filter(|network| !network.is_empty());
        let route = Route {
            networks: networks.map(|network| network.parse().unwrap()).collect(),
            ..Route::new(senders::Sender::Gitea(gitea))
        };
        let parsed = |ip: &str| ip.parse::<std::net::IpAddr>().unwrap();
        let expected = from.map(|ip| ip.map(parsed)).map_err(parsed);
        assert_eq!(webhook::sent_from(&settings, &route), expected, "{listen} {proxies}");
    }
}

#[tokio::test]
async fn the_artifact_store_is_tried() {
    let clock = schemas::SystemClock::new();
    let folder = tempfile::tempdir().unwrap();
    let store = Artifacts::folder(&folder.path().join("artifacts")).unwrap();
    let check = artifacts::all(&store, &clock).await;
    assert_eq!(check.state, State::Ok, "{}", check.what);
    assert_eq!(store.list("doctor", 9).await.unwrap(), [], "nothing is left behind");

    // Nobody listens there.
    let away = ::artifacts::Bucket {
        name: "results".into(),
        prefix: String::new(),
        endpoint: Some("http://127.0.0.1:1".into()),
        region: "eu-central-1".into(),
        access_key: "id".to_owned().into(),
        secret_key: "hunter2".to_owned().into(),
    };
    let check = artifacts::all(&Artifacts::bucket(&away).unwrap(), &clock).await;
    assert_eq!(check.state, State::Warn);
    assert!(check.what.contains("results") && !check.what.contains("hunter2"), "{}", check.what);
}
