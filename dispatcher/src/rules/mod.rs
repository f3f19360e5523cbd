//! The active set of automations: loaded whole or not at all, and indexed for candidates.

mod check;
mod defaults;
mod files;
mod globs;
mod index;
mod known;
mod load;
mod page;

use std::collections::BTreeMap;

use schemas::automation::{Allow, Automation, AutomationTest, Mode, Permission, Trigger};
use schemas::event::SourceKind;
use schemas::{Event, RepoRef};
use sha2::{Digest, Sha256};

pub use check::keys::tables as key_tables;
pub use check::reference_problem;
pub use files::{FileProblem, read_bytes};
pub use known::Known;
pub use load::{LoadError, load_folder, load_folder_knowing, load_texts, load_texts_knowing};

use crate::condition::Condition;
use crate::decide::clauses::EntryGlobs;
use globs::Globs;
use index::Index;

/// Every automation that is in force, with the texts it came from.
#[derive(Debug)]
pub struct RuleSet {
    /// SHA-256 over the texts: equal sets decide alike.
    pub hash: String,
    /// Names and texts of all files: automations, and what they use.
    pub files: BTreeMap<String, String>,
    rules: Vec<Rule>,
    index: Index,
}

/// One automation, ready to decide.
#[derive(Debug)]
pub struct Rule {
    /// The automation with its file's defaults applied, without its tests.
    pub automation: Automation,
    /// Its tests, which no run carries about.
    pub tests: Vec<AutomationTest>,
    /// The file it stands in.
    pub file: String,
    /// Its `if`, compiled.
    pub(crate) condition: Option<Condition>,
    repos: Globs,
    /// The globs of each entry of `on`.
    pub(crate) entries: Vec<EntryGlobs>,
}

impl RuleSet {
    fn new(files: BTreeMap<String, String>, rules: Vec<Rule>) -> Self {
        let mut hash = Sha256::new();
        for part in files.iter().flat_map(|(name, text)| [name, text]) {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        let index = Index::new(&rules);
        Self { hash: hex::encode(hash.finalize()), files, rules, index }
    }

    /// A set without automations.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(BTreeMap::new(), Vec::new())
    }

    /// The automations that an event like this one could start, in the order of [`RuleSet::rules`]:
    /// they get a recorded decision. Its cost grows with their number, not with the set's.
    pub fn candidates(&self, event: &Event) -> impl Iterator<Item = &Rule> {
        self.index.candidates(&self.rules, event).into_iter()
    }

    /// Every automation, in the order of files and lines.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Rule {
    fn new(
        mut automation: Automation,
        condition: Option<Condition>,
        file: String,
    ) -> Result<Self, globset::Error> {
        let repos = Globs::new(&automation.repos)?;
        let entries = automation.on.iter().map(EntryGlobs::new).collect::<Result<_, _>>()?;
        let tests = std::mem::take(&mut automation.tests);
        Ok(Self { automation, tests, file, condition, repos, entries })
    }

    /// How far it goes.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.automation.mode.unwrap_or_default()
    }

    /// Who may start it; people with write permission unless said.
    #[must_use]
    pub fn allow(&self) -> Allow {
        let mut allow = self.automation.allow.clone().unwrap_or_default();
        allow.permission.get_or_insert(Permission::Write);
        allow
    }

    /// Whether it may act on a repository.
    #[must_use]
    pub fn covers(&self, repo: &RepoRef) -> bool {
        self.repos.cover(repo)
    }

    /// Whether an event could start it, as far as source, event, label, command, project and
    /// repository tell: what [`RuleSet::candidates`] finds without asking every automation.
    #[must_use]
    pub fn listens(&self, event: &Event) -> bool {
        index::listens(self, event, &index::Said::default())
    }
}

/// What starts it, in few words: `github issue.labeled`.
#[must_use]
pub fn trigger_words(trigger: &Trigger) -> String {
    if let Some(schedule) = &trigger.schedule {
        return format!("schedule {schedule}");
    }
    let source = trigger.source.map_or("", SourceKind::as_str);
    let events: Vec<String> = trigger.event.iter().map(ToString::to_string).collect();
    format!("{source} {}", events.join(", "))
}
