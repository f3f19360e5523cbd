//! The whole of `pullwright.yaml`, typed and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::automation::Span;
use schemas::run::RepositorySetup;
use schemas::{ConnectionName, RepoRef, WebhookName};

use crate::connections::{Connection, ConnectionFile};
use crate::layer::section;
use crate::listen::{Intake, IntakeFile, Listen, ListenFile};
use crate::repositories::{RepositoryRule, RuleFile};
use crate::storage::{Broker, BrokerFile, Database};
use crate::webhooks::{Name, Webhook, WebhookFile};
use crate::workers::{Workers, WorkersFile};
use crate::yaml::{Placed, Sources, YamlError, closest};

section! {
    /// The file.
    SettingsFile {
        listen: ListenFile,
        data_dir: Option<PathBuf>,
        database: Option<Database>,
        broker: BrokerFile,
        automations: Option<PathBuf>,
        webhooks: BTreeMap<Name, Placed<WebhookFile>>,
        connections: BTreeMap<Name, Placed<ConnectionFile>>,
        repositories: Option<Vec<RuleFile>>,
        workers: WorkersFile,
        intake: IntakeFile,
        runs: RunsFile,
    }
}

section! {
    /// `runs:`
    RunsFile { lease: Option<Placed<Span>>, stop_grace: Option<Span> }
}

/// Everything that `pullwright.yaml` says, defaults filled in, paths made absolute.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Addresses.
    pub listen: Listen,
    /// Where databases, checkouts and `admin.token` lie.
    pub data_dir: PathBuf,
    /// The database of records.
    pub database: Database,
    /// The queue of deliveries.
    pub broker: Broker,
    /// The folder of automations.
    pub automations: PathBuf,
    /// Routes, by name.
    pub webhooks: BTreeMap<WebhookName, Webhook>,
    /// Forges, by name.
    pub connections: BTreeMap<ConnectionName, Connection>,
    /// What repositories need, in the file's order.
    pub repositories: Vec<RepositoryRule>,
    /// The workers of this process.
    pub workers: Workers,
    /// What a request may be.
    pub intake: Intake,
    /// How runs are held.
    pub runs: Runs,
}

/// How runs are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    /// How long a run stays a worker's without a heartbeat.
    pub lease: Duration,
    /// How long a stopping process lets its runs go on before it hands them back.
    pub stop_grace: Duration,
}

impl Settings {
    /// What the configuration adds to a run in `repo`: the most specific glob that names it wins;
    /// of two equal ones the later.
    #[must_use]
    pub fn repository(&self, repo: &RepoRef) -> RepositorySetup {
        let name = repo.to_string();
        let matching = self.repositories.iter().filter(|rule| rule.is_match(&name));
        matching.max_by_key(|rule| rule.specificity()).map(|rule| rule.setup.clone()).unwrap_or_default()
    }

    /// Where the API's token lies.
    #[must_use]
    pub fn admin_token(&self) -> PathBuf {
        self.data_dir.join("admin.token")
    }
}

impl SettingsFile {
    /// Checks what types cannot say; relative paths start from `folder`, which is absolute.
    pub(crate) fn build(&self, folder: &Path, sources: &Sources) -> Result<Settings, Box<YamlError>> {
        let path = |given: &Option<PathBuf>, default: &str| {
            let given = given.as_deref().unwrap_or(Path::new(default));
            folder.join(given).components().filter(|part| part.as_os_str() != ".").collect::<PathBuf>()
        };
        let data_dir = path(&self.data_dir, "data");
        let mut connections = BTreeMap::new();
        for (name, entry) in &self.connections {
            let name = ConnectionName(name.0.clone());
            let connection = ConnectionFile::build(entry, &name, folder, sources)?;
            connections.insert(name, connection);
        }
        let mut webhooks = BTreeMap::new();
        for (name, entry) in &self.webhooks {
            let name = WebhookName(name.0.clone());
            let webhook = WebhookFile::build(entry, &name, sources)?;
            check_connection(&name, entry, &webhook, &connections, sources)?;
            webhooks.insert(name, webhook);
        }
        let rules = self.repositories.as_deref().unwrap_or_default();
        Ok(Settings {
            listen: self.listen.build(),
            database: self.database.unwrap_or_default(),
            broker: self.broker.build(),
            automations: path(&self.automations, "automations"),
            repositories: RuleFile::build(rules, &connections, sources)?,
            workers: self.workers.build(&data_dir, sources)?,
            intake: self.intake.build(sources)?,
            runs: self.runs.build(sources)?,
            data_dir,
            webhooks,
            connections,
        })
    }
}

fn check_connection(
    name: &WebhookName,
    entry: &Placed<WebhookFile>,
    webhook: &Webhook,
    connections: &BTreeMap<ConnectionName, Connection>,
    sources: &Sources,
) -> Result<(), Box<YamlError>> {
    let wanted = &webhook.connection;
    let place = entry.connection.as_ref().map_or(entry.place, |connection| connection.place);
    let Some(connection) = connections.get(wanted) else {
        let error = sources.error_at(
            place,
            format!("the webhook `{name}` belongs to no connection: there is no `{wanted}`"),
        );
        let help = match closest(wanted.as_str(), connections.keys().map(ConnectionName::as_str)) {
            Some(near) => format!("did you mean `connection: {near}`?"),
            None => format!("add `{wanted}` to `connections`, or name another one with `connection:`"),
        };
        return Err(error.with_help(help).boxed());
    };
    if connection.kind != webhook.kind {
        let message = format!("a {} webhook cannot belong to a {} connection", webhook.kind, connection.kind);
        return Err(sources.error_at(place, message).with_help("name one of its own kind").boxed());
    }
    Ok(())
}

impl RunsFile {
    fn build(&self, sources: &Sources) -> Result<Runs, Box<YamlError>> {
        const LEASES: std::ops::RangeInclusive<u64> = 5..=3600;
        if let Some(lease) = self.lease.as_ref().filter(|lease| !LEASES.contains(&lease.0.as_secs())) {
            let error = sources.error_at(lease.place, format!("a lease of {} cannot work", lease.value));
            return Err(error.with_help("choose between 5s and 1h: a shorter one is lost to a slow disk, a longer one holds up retries").boxed());
        }
        Ok(Runs {
            lease: self.lease.as_ref().map_or(Duration::from_secs(60), |lease| lease.0),
            stop_grace: self.stop_grace.map_or(Duration::from_secs(30), |grace| grace.0),
        })
    }
}
