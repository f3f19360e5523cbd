//! The active set of automations: loaded whole or not at all, and indexed for candidates.

mod check;
mod load;

use std::collections::{BTreeMap, HashMap};

use globset::{GlobSet, GlobSetBuilder};
use schemas::automation::{Allow, Automation, Mode, Permission, Trigger};
use schemas::event::{EventType, SourceKind};
use schemas::{Event, RepoRef};

use crate::decide::clauses::EntryGlobs;

pub use check::reference_problem;
pub use load::{LoadError, load_folder, load_texts};

/// Every automation that is in force, with the texts it came from.
#[derive(Debug)]
pub struct RuleSet {
    /// SHA-256 over the texts: equal sets decide alike.
    pub hash: String,
    /// File names and texts.
    pub files: BTreeMap<String, String>,
    rules: Vec<Rule>,
    index: HashMap<(SourceKind, EventType), Vec<usize>>,
}

/// One automation, ready to decide.
#[derive(Debug)]
pub struct Rule {
    /// The automation with its file's defaults applied.
    pub automation: Automation,
    /// The file it stands in.
    pub file: String,
    repos: Globs,
    /// The globs of each entry of `on`.
    pub(crate) entries: Vec<EntryGlobs>,
}

#[derive(Debug)]
struct Globs {
    include: GlobSet,
    exclude: GlobSet,
    open: bool,
}

impl RuleSet {
    fn new(hash: String, files: BTreeMap<String, String>, rules: Vec<Rule>) -> Self {
        let mut index: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, rule) in rules.iter().enumerate() {
            if rule.mode() == Mode::Disabled {
                continue;
            }
            for trigger in &rule.automation.on {
                let Some(source) = trigger.source else { continue };
                for event in trigger.event.iter() {
                    let entry = index.entry((source, event.clone())).or_default();
                    if entry.last() != Some(&number) {
                        entry.push(number);
                    }
                }
            }
        }
        Self { hash, files, rules, index }
    }

    /// A set without automations.
    #[must_use]
    pub fn empty() -> Self {
        load::assemble(BTreeMap::new(), Vec::new())
    }

    /// The automations that listen to an event like this one: they get a recorded decision.
    pub fn candidates(&self, event: &Event) -> impl Iterator<Item = &Rule> {
        let numbers = self.index.get(&(event.source, event.r#type.clone()));
        numbers.into_iter().flatten().filter_map(|number| self.rules.get(*number))
    }

    /// Every automation, in the order of files and lines.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Rule {
    fn new(automation: Automation, file: String) -> Result<Self, globset::Error> {
        let repos = Globs::new(&automation.repos)?;
        let entries = automation.on.iter().map(EntryGlobs::new).collect::<Result<_, _>>()?;
        Ok(Self { automation, file, repos, entries })
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
        let name = repo.to_string();
        (self.repos.open || self.repos.include.is_match(&name)) && !self.repos.exclude.is_match(&name)
    }
}

impl Globs {
    fn new(patterns: &[String]) -> Result<Self, globset::Error> {
        let (mut include, mut exclude) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut open = true;
        for pattern in patterns {
            match pattern.strip_prefix('!') {
                Some(pattern) => exclude.add(repo_glob(pattern)?),
                None => {
                    open = false;
                    include.add(repo_glob(pattern)?)
                }
            };
        }
        Ok(Self { include: include.build()?, exclude: exclude.build()?, open })
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

/// A repository glob: `*` stops at a slash, `**` does not.
fn repo_glob(pattern: &str) -> Result<globset::Glob, globset::Error> {
    globset::GlobBuilder::new(pattern).literal_separator(true).build()
}
