//! The repository that a run works in: by rules, never by guess.

use schemas::event::SourceKind;
use schemas::{ConnectionName, Event, RepoRef, Untrusted};

use crate::rules::Rule;

/// The label that names a repository by its alias: `repo-api`.
const LABEL: &str = "repo-";

/// What configuration says of events that name no repository.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    /// Repositories by the alias that a label `repo-<alias>` names.
    pub aliases: Vec<(String, RepoRef)>,
    /// Repositories by the projects of trackers.
    pub projects: Vec<ProjectRoute>,
    /// The repository, where there is but one.
    pub only: Option<RepoRef>,
}

/// A tracker's project whose events are about one repository.
#[derive(Debug, Clone)]
pub struct ProjectRoute {
    /// The tracker's kind.
    pub kind: SourceKind,
    /// The tracker, where several are of one kind; it comes before what is said of all.
    pub connection: Option<ConnectionName>,
    /// The project.
    pub project: String,
    /// The repository.
    pub repository: RepoRef,
}

impl Routing {
    /// The repository of a run that `rule` starts for `event`.
    ///
    /// # Errors
    /// What was tried, in words.
    pub(super) fn repository(&self, rule: &Rule, event: &Event) -> Result<RepoRef, String> {
        if let Some(named) = event.repository.as_ref().map(|repository| &repository.name) {
            return Ok(named.clone());
        }
        if let Some(given) = &rule.automation.run.repo {
            return Ok(given.clone());
        }
        if let Some(aliased) = self.by_label(event)? {
            return Ok(aliased.clone());
        }
        if let Some(routed) = self.of_project(event) {
            return Ok(routed.clone());
        }
        self.only.clone().ok_or_else(|| {
            let project = match &event.project {
                Some(project) => format!("no repository has the project `{project}`"),
                None => "it has no project".to_owned(),
            };
            format!(
                "the event names none, the automation has no `run.repo`, no label `repo-<alias>` is on it, \
                 {project}, and there is not just one repository"
            )
        })
    }

    /// Labels tell no case. Two that name different repositories name none.
    fn by_label(&self, event: &Event) -> Result<Option<&RepoRef>, String> {
        let labels = event.item.iter().flat_map(|item| &item.labels).map(Untrusted::expose);
        let mut found: Option<&RepoRef> = None;
        for alias in labels
            .filter_map(|label| label.get(..LABEL.len()).map(|start| (start, label)))
            .filter_map(|(start, label)| {
                let rest = label.get(LABEL.len()..)?;
                start.eq_ignore_ascii_case(LABEL).then_some(rest)
            })
        {
            let Some((_, repository)) = self.aliases.iter().find(|(own, _)| own.eq_ignore_ascii_case(alias))
            else {
                return Err(format!("the label `repo-{alias}` names no alias of a repository"));
            };
            if found.is_some_and(|other| other != repository) {
                return Err("its labels name several repositories".to_owned());
            }
            found = Some(repository);
        }
        Ok(found)
    }

    fn of_project(&self, event: &Event) -> Option<&RepoRef> {
        let project = event.project.as_ref()?;
        let of = |connection: Option<&ConnectionName>| {
            let mut routes = self.projects.iter();
            routes.find(|route| {
                route.kind == event.source
                    && route.project == *project
                    && route.connection.as_ref() == connection
            })
        };
        of(Some(&event.connection)).or_else(|| of(None)).map(|route| &route.repository)
    }
}
