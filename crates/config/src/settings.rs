//! The whole of `pullwright.yaml`, typed and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::automation::Span;
use schemas::event::SourceKind;
use schemas::run::RepositorySetup;
use schemas::{ConnectionName, RepoRef, WebhookName};

use crate::artifacts::{Artifacts, ArtifactsFile};
use crate::automations::{Automations, AutomationsFile};
use crate::connections::{Connection, ConnectionFile};
use crate::control_plane::{ControlPlane, ControlPlaneFile};
use crate::layer::{Part, section};
use crate::listen::{Intake, IntakeFile, Listen, ListenFile};
use crate::name::Name;
use crate::projects::{self, Trackers};
use crate::repositories::{RepositoryRule, RuleFile};
use crate::retention::{Retention, RetentionFile};
use crate::storage::{Broker, BrokerFile, Database};
use crate::webhooks::{self, Webhook, WebhookFiles};
use crate::workers::{Workers, WorkersFile};
use crate::yaml::{Placed, Sources, YamlError};

section! {
    /// The file.
    SettingsFile {
        listen: ListenFile,
        data_dir: Option<PathBuf>,
        database: Option<Placed<Database>>,
        broker: BrokerFile,
        automations: Part<AutomationsFile>,
        artifacts: Part<ArtifactsFile>,
        webhooks: WebhookFiles,
        connections: BTreeMap<Name, Placed<ConnectionFile>>,
        repositories: Option<Vec<RuleFile>>,
        workers: WorkersFile,
        control_plane: ControlPlaneFile,
        intake: IntakeFile,
        runs: RunsFile,
        retention: RetentionFile,
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
    /// Where the automations lie.
    pub automations: Automations,
    /// Where results are kept until they are published.
    pub artifacts: Artifacts,
    /// Routes, by name.
    pub webhooks: BTreeMap<WebhookName, Webhook>,
    /// Forges and trackers, by name.
    pub connections: BTreeMap<ConnectionName, Connection>,
    /// What repositories need, in the file's order.
    pub repositories: Vec<RepositoryRule>,
    /// The workers of this process.
    pub workers: Workers,
    /// Where `pullwright worker` finds its control plane.
    pub control_plane: Option<ControlPlane>,
    /// What a request may be.
    pub intake: Intake,
    /// How runs are held.
    pub runs: Runs,
    /// How long things are kept.
    pub retention: Retention,
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

    /// The repository that an event of a tracker's project is about. What names the `connection`
    /// comes before what is said of every tracker of the `kind`.
    #[must_use]
    pub fn repository_of_project(
        &self,
        kind: SourceKind,
        connection: &ConnectionName,
        project: &str,
    ) -> Option<RepoRef> {
        let rule_of = |connection: Option<&ConnectionName>| {
            self.repositories.iter().find(|rule| {
                let mut projects = rule.projects.iter();
                projects.any(|p| p.kind == kind && p.name == project && p.connection.as_ref() == connection)
            })
        };
        rule_of(Some(connection)).or_else(|| rule_of(None))?.pattern.parse().ok()
    }

    /// The repository that a label `repo-<alias>` names; labels tell no case.
    #[must_use]
    pub fn repository_by_alias(&self, alias: &str) -> Option<RepoRef> {
        let named =
            |rule: &&RepositoryRule| rule.alias.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(alias));
        self.repositories.iter().find(named)?.pattern.parse().ok()
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
        let automations = AutomationsFile::build(self.automations.0.as_ref(), path, &connections, sources)?;
        let default = data_dir.join("artifacts");
        let artifacts = ArtifactsFile::build(self.artifacts.0.as_ref(), default, path, sources)?;
        let listen = self.listen.build();
        let webhooks = webhooks::build(&self.webhooks, &connections, &listen, sources)?;
        let entries = self.repositories.as_deref().unwrap_or_default();
        let mut repositories = RuleFile::build(entries, &connections, sources)?;
        projects::assign(entries, &mut repositories, &trackers(&connections, &webhooks), sources)?;
        Ok(Settings {
            listen,
            database: self.database.as_ref().map_or_else(Database::default, |database| {
                database.value.clone().placed(database.place, folder)
            }),
            broker: self.broker.build(folder, sources)?,
            automations,
            artifacts,
            repositories,
            workers: self.workers.build(&data_dir, sources)?,
            control_plane: self.control_plane.build(folder, sources)?,
            intake: self.intake.build(sources)?,
            runs: self.runs.build(sources)?,
            retention: self.retention.build(sources)?,
            data_dir,
            webhooks,
            connections,
        })
    }
}

/// What the first part of a work item may be, and whose that is.
fn trackers(
    connections: &BTreeMap<ConnectionName, Connection>,
    webhooks: &BTreeMap<WebhookName, Webhook>,
) -> Trackers {
    let own = webhooks.values().filter(|webhook| webhook.kind != SourceKind::Generic);
    let of_webhooks = own.map(|webhook| (webhook.connection.clone(), webhook.kind));
    connections.iter().map(|(name, connection)| (name.clone(), connection.kind)).chain(of_webhooks).collect()
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
