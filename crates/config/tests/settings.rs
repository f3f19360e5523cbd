//! What a right `pullwright.yaml` becomes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use config::{Auth, Broker, Credential, Database, EXAMPLE, Loaded, Role, SslMode, load};
use schemas::{ConnectionName, RepoRef, WebhookName};
use secrecy::ExposeSecret;

fn environment(folder: &Path, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let fixed = [("PWD", folder.to_str().unwrap()), ("XDG_CONFIG_HOME", "/nowhere")];
    fixed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str, more: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pullwright.yaml"), text).unwrap();
    load(None, &environment(folder.path(), more)).unwrap()
}

fn github() -> ConnectionName {
    ConnectionName::from("github")
}

#[test]
fn the_example_is_right_and_is_what_the_defaults_are() {
    let example = read(EXAMPLE, &[]).settings;
    assert_eq!(example.webhooks.len(), 1);
    assert_eq!(example.connections[&github()].url, "https://api.github.com");
    let defaults = read("{}", &[]).settings;
    assert_eq!(example.listen, defaults.listen);
    assert_eq!(example.workers, defaults.workers);
    assert_eq!(example.intake, defaults.intake);
    assert_eq!(example.runs, defaults.runs);
    assert_eq!(example.broker, defaults.broker);
    assert_eq!(example.retention, defaults.retention);
}

/// Everything that the example only mentions in a comment is possible, and shows the default.
#[test]
fn the_commented_lines_of_the_example_are_right_too() {
    for commented in [
        "api:",
        "broker: { embedded",
        "database:",
        "automations: {",
        "artifacts: .",
        "artifacts: {",
        "toolchains:",
        "memory:",
        "processes:",
        "file_size:",
        "output:",
        "intake:",
        "runs:",
        "retention:",
        "gitlab: { kind: gitlab, signing",
        "jira: { kind: jira, secret",
        "sentry: { kind: sentry, secret",
        "gitea:",
        "bitbucket:",
        "linear:",
        "slack:",
        "builds:",
        "networks:",
        "rate:",
        "gitlab: { kind: gitlab, auth",
        "jira: { kind: jira, url",
        "sentry: { kind: sentry, auth",
        "- { match: github/acme/api,",
    ] {
        let uncommented: Vec<String> = EXAMPLE
            .lines()
            .map(|line| match line.split_once("# ") {
                Some((indent, rest)) if indent.trim().is_empty() && rest.starts_with(commented) => {
                    format!("{indent}{rest}")
                }
                _ => line.to_owned(),
            })
            .filter(|line| !(commented.starts_with("broker") && line == "broker: embedded"))
            .filter(|line| !(commented == "database:" && line == "database: sqlite"))
            .filter(|line| !(commented.starts_with("automations") && line == "automations: ./automations"))
            .collect();
        let text = uncommented.join("\n");
        assert_ne!(text, EXAMPLE.trim_end(), "{commented}");
        let settings = read(&text, &[]).settings;
        if !["api:", "toolchains:"].contains(&commented) {
            let example = read(EXAMPLE, &[]).settings;
            assert_eq!(
                (settings.workers, settings.intake, settings.runs, settings.broker, settings.retention),
                (example.workers, example.intake, example.runs, example.broker, example.retention),
                "{commented}"
            );
        }
    }
}

#[test]
fn relative_paths_start_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(
        folder.path().join("etc/mine.yaml"),
        "data_dir: ./var/data\nautomations: /srv/automations\n",
    )
    .unwrap();
    let env = environment(folder.path(), &[]);
    let settings = load(Some(Path::new("etc/mine.yaml")), &env).unwrap().settings;
    assert_eq!(settings.data_dir, folder.path().join("etc/var/data"));
    assert_eq!(settings.admin_token(), folder.path().join("etc/var/data/admin.token"));
    assert_eq!(settings.automations, config::Automations::Folder("/srv/automations".into()));
}

#[test]
fn the_file_is_looked_for_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "{}").unwrap();
        path
    };
    let user = at("config/pullwright/pullwright.yaml");
    let config = folder.path().join("config");
    let env = |more: &[(&str, &str)]| {
        let mut env = environment(folder.path(), more);
        env.insert("XDG_CONFIG_HOME".to_owned(), config.to_str().unwrap().to_owned());
        env
    };
    assert_eq!(load(None, &env(&[])).unwrap().file, user);
    let here = at("pullwright.yaml");
    assert_eq!(load(None, &env(&[])).unwrap().file, here);
    let named = at("named.yaml");
    assert_eq!(load(None, &env(&[("PULLWRIGHT_CONFIG", "named.yaml")])).unwrap().file, named);
    let given = at("given.yaml");
    assert_eq!(load(Some(&given), &env(&[("PULLWRIGHT_CONFIG", "named.yaml")])).unwrap().file, given);
}

const TWO: &str = "
webhooks:
  my-forge: { kind: github, secret: [\"${env:NEW}\", \"${env:OLD}\"], connection: github }
connections:
  github: { kind: github, auth: { token: \"${env:TOKEN}\" } }
workers: { slots: 3, memory: 1GiB }
repositories:
  - { match: github/*/*, setup: [a] }
  - { match: github/acme/*, setup: [b], validate: [v], protected_paths: [\".github/**\"] }
  - { match: github/acme/api, setup: [c] }
  - { match: github/**, setup: [d] }
";

#[test]
fn variables_override_single_values() {
    let loaded = read(
        TWO,
        &[
            ("PULLWRIGHT__WORKERS__SLOTS", "5"),
            ("PULLWRIGHT__LISTEN__WEBHOOKS", "0.0.0.0:9000"),
            ("PULLWRIGHT__LISTEN__API", "127.0.0.1:9001"),
            ("PULLWRIGHT__WEBHOOKS__MY_FORGE__SECRET", "${env:OTHER}"),
            ("PULLWRIGHT__CONNECTIONS__GITHUB__URL", "http://127.0.0.1:1/"),
            ("PULLWRIGHT__BROKER__EMBEDDED__MAX_BYTES", "5MiB"),
            ("PULLWRIGHT__REPOSITORIES", "[{ match: github/x/*, setup: [z] }]"),
            ("PULLWRIGHT__RUNS__LEASE", "2m"),
            ("PULLWRIGHT__RETENTION__LOGS", "7d"),
            ("PULLWRIGHT__WORKERS__PROCESSES", ""),
            ("PULLWRIGHT_OTHER", "ignored"),
        ],
    );
    let settings = &loaded.settings;
    assert_eq!((settings.workers.slots, settings.workers.memory), (5, 1 << 30));
    assert_eq!(settings.listen.webhooks.to_string(), "0.0.0.0:9000");
    assert_eq!(settings.listen.api().to_string(), "127.0.0.1:9001");
    assert_eq!(settings.listen.worker().to_string(), "0.0.0.0:9000");
    assert_eq!(settings.webhooks.len(), 1);
    assert_eq!(
        settings.webhooks[&WebhookName::from("my-forge")].proof.secrets().next().unwrap().to_string(),
        "${env:OTHER}"
    );
    assert_eq!(settings.connections[&github()].url, "http://127.0.0.1:1");
    assert_eq!(settings.broker, Broker::Embedded { max_bytes: 5 << 20 });
    assert_eq!(settings.repositories.len(), 1);
    assert_eq!(settings.runs.lease, Duration::from_secs(120));
    let day = Duration::from_secs(24 * 3600);
    assert_eq!((settings.retention.deliveries, settings.retention.logs), (90 * day, 7 * day));
}

#[test]
fn a_broker_elsewhere() {
    let one = "broker: amqps://in:${env:BROKER}@mq1,mq2:99/main\n";
    let loaded = read(one, &[]);
    let Broker::Amqp(amqp) = &loaded.settings.broker else { panic!("{:?}", loaded.settings.broker) };
    assert_eq!(amqp.address.to_string(), "mq1:5671, mq2:99");
    assert_eq!((amqp.address.user.as_str(), amqp.address.vhost.as_str()), ("in", "main"));
    assert_eq!((amqp.max_messages, amqp.max_bytes, &amqp.ca_file), (1_000_000, 4 << 30, &None));
    let there = BTreeMap::from([("BROKER".to_owned(), "s3cret".to_owned())]);
    for role in [Role::Up, Role::Ingress, Role::Dispatcher] {
        let password = loaded.secrets(role, &there).unwrap().broker.unwrap();
        assert_eq!(password.expose_secret(), "s3cret");
    }

    // Over it lie variables, key by key; what comes later says which of the two it is.
    let more = [("PULLWRIGHT__BROKER__AMQP__MAX_MESSAGES", "7"), ("PULLWRIGHT__BROKER__AMQP__CA_FILE", "ca")];
    let Broker::Amqp(amqp) = read(one, &more).settings.broker else { panic!() };
    assert_eq!((amqp.max_messages, amqp.address.hosts.len()), (7, 2));
    assert!(amqp.ca_file.unwrap().is_absolute());
    let settings = read(one, &[("PULLWRIGHT__BROKER", "embedded")]).settings;
    assert_eq!(settings.broker, Broker::Embedded { max_bytes: 1 << 30 });
    let Broker::Amqp(amqp) = read("{}", &[("PULLWRIGHT__BROKER", "amqp://localhost")]).settings.broker else {
        panic!()
    };
    assert_eq!((amqp.address.user.as_str(), amqp.password), ("guest", None));
}

#[test]
fn the_most_specific_rule_wins() {
    let settings = read(TWO, &[]).settings;
    for (repo, setup) in [
        ("github/acme/api", "c"),
        ("github/acme/web", "b"),
        ("github/other/web", "a"),
        ("github/group/sub/project", "d"),
    ] {
        assert_eq!(settings.repository(&repo.parse::<RepoRef>().unwrap()).setup, [setup], "{repo}");
    }
    assert!(settings.repository(&"other/acme/api".parse().unwrap()).setup.is_empty());
}

#[test]
fn each_role_resolves_its_own_secrets() {
    let loaded = read(TWO, &[]);
    let env = |names: &[&str]| -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), format!("value-of-{name}"))).collect()
    };
    let ingress = loaded.secrets(Role::Ingress, &env(&["NEW", "OLD"])).unwrap();
    assert!(ingress.connections.is_empty());
    let secrets: Vec<&str> =
        ingress.webhooks[&WebhookName::from("my-forge")].secrets().map(ExposeSecret::expose_secret).collect();
    assert_eq!(secrets, ["value-of-NEW", "value-of-OLD"]);
    let dispatcher = loaded.secrets(Role::Dispatcher, &env(&["TOKEN"])).unwrap();
    assert!(dispatcher.webhooks.is_empty());
    assert_eq!(dispatcher.connections.len(), 1);
    let worker = loaded.secrets(Role::Worker, &env(&[])).unwrap();
    assert!(worker.webhooks.is_empty() && worker.connections.is_empty());
    let up = loaded.secrets(Role::Up, &env(&["NEW", "OLD", "TOKEN"])).unwrap();
    assert_eq!((up.webhooks.len(), up.connections.len()), (1, 1));
    loaded.secrets(Role::Worker, &env(&["TOKEN"])).unwrap_err();
    loaded.secrets(Role::Dispatcher, &env(&["TOKEN", "OLD"])).unwrap_err();
    assert!(!format!("{up:?} {loaded:?}").contains("value-of"));
}

#[test]
fn the_password_of_the_database_is_the_dispatchers() {
    let loaded =
        read("database: 'postgres://bot:${env:DB}@db.example.com/pullwright?sslrootcert=ca.pem'", &[]);
    let Database::Postgres(postgres) = &loaded.settings.database else { panic!("it is PostgreSQL") };
    assert_eq!((postgres.user.as_str(), postgres.sslmode), ("bot", SslMode::VerifyFull));
    assert!(postgres.sslrootcert.as_ref().unwrap().is_absolute());
    let env = BTreeMap::from([("DB".to_owned(), "p@ss".to_owned())]);
    for role in [Role::Up, Role::Dispatcher] {
        assert_eq!(loaded.secrets(role, &env).unwrap().database.unwrap().expose_secret(), "p@ss");
        let error = loaded.secrets(role, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("the password of the database is missing"), "{error}");
    }
    for role in [Role::Ingress, Role::Worker] {
        assert!(loaded.secrets(role, &BTreeMap::new()).unwrap().database.is_none());
        loaded.secrets(role, &env).unwrap_err();
    }
    assert_eq!(loaded.database_password(&env).unwrap().unwrap().expose_secret(), "p@ss");
    assert!(read("{}", &[]).database_password(&BTreeMap::new()).unwrap().is_none());
}

#[test]
fn a_secret_file_loses_its_last_newline() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("app.pem");
    std::fs::write(&key, "-----BEGIN\nmiddle\n-----END\r\n").unwrap();
    let text = format!(
        "connections:\n  github: {{ kind: github, auth: {{ app: {{ id: 7, private_key: \"${{file:{}}}\" }} }} }}",
        key.display()
    );
    let loaded = read(&text, &[]);
    assert!(matches!(loaded.settings.connections[&github()].auth, Auth::App { id: 7, .. }));
    let secrets = loaded.secrets(Role::Dispatcher, &BTreeMap::new()).unwrap();
    let Credential::App { id: 7, private_key } = &secrets.connections[&github()] else { panic!("an App") };
    assert_eq!(private_key.expose_secret(), "-----BEGIN\nmiddle\n-----END");
}

const WORKER: &str = r#"
control_plane: { url: "https://pullwright.example.com/", ca_file: corp.pem, enrolment: "${env:ENROLMENT}" }
workers: { slots: 4 }
listen: { api: 127.0.0.1:8080 }
"#;

#[test]
fn a_worker_holds_its_enrolment_token_and_nobody_else_does() {
    let loaded = read(WORKER, &[]);
    let control = loaded.settings.control_plane.as_ref().unwrap();
    assert_eq!(control.url, "https://pullwright.example.com");
    assert!(control.ca_file.as_ref().unwrap().is_absolute());
    assert_eq!(loaded.settings.listen.health.unwrap().port(), 8080);
    let with = BTreeMap::from([("ENROLMENT".to_owned(), "build-1.abc".to_owned())]);
    let token = loaded.secrets(Role::Worker, &with).unwrap().enrolment.unwrap();
    assert_eq!(token.expose_secret(), "build-1.abc");
    assert!(loaded.secrets(Role::Worker, &BTreeMap::new()).unwrap().enrolment.is_none(), "needed once");
    for role in [Role::Up, Role::Ingress, Role::Dispatcher] {
        loaded.secrets(role, &with).unwrap_err();
        assert!(loaded.secrets(role, &BTreeMap::new()).unwrap().enrolment.is_none());
    }
    assert!(read(TWO, &[]).settings.control_plane.is_none());
}

#[test]
fn a_worker_holds_the_password_of_its_wake_ups_and_nobody_else_does() {
    let wake_ups = "url: https://a.example, wake_ups: \"amqps://worker:${env:HEARS}@mq.example/main\"";
    let loaded = read(&format!("control_plane: {{ {wake_ups} }}\n"), &[]);
    let heard = loaded.settings.control_plane.as_ref().unwrap().wake_ups.as_ref().unwrap();
    assert_eq!(heard.address.to_string(), "mq.example:5671");
    let with = BTreeMap::from([("HEARS".to_owned(), "secret".to_owned())]);
    let secrets = loaded.secrets(Role::Worker, &with).unwrap();
    assert_eq!(secrets.wake_ups.unwrap().expose_secret(), "secret");
    loaded.secrets(Role::Worker, &BTreeMap::new()).unwrap_err();
    for role in [Role::Up, Role::Ingress, Role::Dispatcher] {
        loaded.secrets(role, &with).unwrap_err();
        assert!(loaded.secrets(role, &BTreeMap::new()).unwrap().wake_ups.is_none());
    }
}
