//! Where a run starts and where its result goes: one problem has one branch and one pull request.

use forge::Forge;
use schemas::automation::Automation;
use schemas::run::Reason;
use schemas::{Event, Oid, RunId};
use store::{PullRequestRef, RunRecord, StoreError};

use super::claim::{NoStart, no_start, store_down};
use crate::Dispatcher;
use crate::admit::item_number;

/// Where a run starts and what it goes on with.
pub(crate) struct Start {
    /// The branch that `base` is the newest commit of.
    pub(super) base_branch: String,
    /// The commit that the commands see.
    pub(crate) base: Oid,
    /// The branch that the result goes to.
    pub(super) branch: String,
    /// The pull request that is open for the problem, and what its branch holds.
    pub(super) open: Option<(PullRequestRef, Oid)>,
}

/// A pull request of ours that is open.
struct Open {
    branch: String,
    head: Oid,
    pull_request: PullRequestRef,
    /// The run that made `head`; none when somebody else did.
    made_by: Option<RunRecord>,
}

/// The branch of a run that goes on with none: `<prefix><automation>/<item>-<end of the run's id>`,
/// ours in every part and unique to the run.
pub(crate) fn own(automation: &Automation, event: &Event, run: RunId) -> String {
    let output = automation.output.pull_request.clone().unwrap_or_default();
    let prefix = output.branch_prefix();
    let id = run.0.simple().to_string();
    let end = id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_owned();
    let slug = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let key: String =
        event.item.iter().flat_map(|item| item.key.chars()).filter(|c| slug(*c)).take(40).collect();
    let dash = if key.is_empty() { "" } else { "-" };
    format!("{prefix}{}/{key}{dash}{end}", automation.name)
}

impl Dispatcher {
    /// Where a run starts, asked of the forge.
    ///
    /// A problem whose pull request is open is gone on with. Its branch is replaced by a result that
    /// was made anew from the base, where the same automation made what it holds; what another one
    /// made is built upon, and so it is with `commits`. What somebody else pushed is built upon with
    /// `commits`, and else left alone.
    pub(crate) async fn starting_point(&self, record: &RunRecord) -> Result<Start, NoStart> {
        let run = &record.run;
        let forge = self.forge(&run.repository.connection).map_err(|error| no_start(&error, record))?;
        let output = &run.input.automation.output;
        let open = if output.pushes() { self.find_open(forge.as_ref(), record).await? } else { None };
        let Some(open) = open else {
            if output.adds_commits() && output.pull_request.is_none() {
                return Err(NoStart::Never(Reason::NoPullRequest));
            }
            let (base_branch, base) = self.base(record).await?;
            let branch = own(&run.input.automation, &run.input.event, run.id);
            return Ok(Start { base_branch, base, branch, open: None });
        };
        let same_automation = open.made_by.as_ref().map(|made_by| made_by.run.automation == run.automation);
        let replaces = match same_automation {
            _ if output.adds_commits() => false,
            Some(same) => same,
            None => return Err(NoStart::Never(Reason::BranchMoved { branch: open.branch })),
        };
        let (base_branch, base) =
            if replaces { self.base(record).await? } else { (open.branch.clone(), open.head.clone()) };
        Ok(Start { base_branch, base, branch: open.branch, open: Some((open.pull_request, open.head)) })
    }

    /// Asks the forge for no more than whether it answers about the run's repository.
    pub(super) async fn reaches(&self, record: &RunRecord) -> Result<(), NoStart> {
        self.default_branch(record).await.map(drop)
    }

    /// The newest pull request of ours for the run's problem that is still open. A run about a pull
    /// request goes on with that one or, with `commits`, with none.
    async fn find_open(&self, forge: &dyn Forge, record: &RunRecord) -> Result<Option<Open>, NoStart> {
        let run = &record.run;
        let mut earlier =
            self.store.pull_requests_of(&run.root, &run.repository).await.map_err(store_down)?;
        let about = run.input.event.item.as_ref().filter(|item| item.is_pull_request);
        if let Some(number) = about.and_then(|_| item_number(run)) {
            let this = |record: &RunRecord| record.pull_request.as_ref().is_some_and(|p| p.number == number);
            if run.input.automation.output.adds_commits() || earlier.iter().any(this) {
                earlier.retain(this);
            }
        }
        for made in earlier {
            let branch = made.run.branch;
            let asked = forge.find_pull_request(&run.repository, &branch).await;
            let Some(found) = asked.map_err(|error| no_start(&error, record))? else { continue };
            let there = forge.branch_head(&run.repository, &branch).await;
            let Some(head) = there.map_err(|error| no_start(&error, record))? else { continue };
            let made_by = self.store.run_that_made(&run.root, &head).await.map_err(store_down)?;
            let pull_request = PullRequestRef { number: found.number, url: found.url };
            return Ok(Some(Open { branch, head, pull_request, made_by }));
        }
        Ok(None)
    }

    /// The branch that results go to, and its newest commit.
    async fn base(&self, record: &RunRecord) -> Result<(String, Oid), NoStart> {
        let run = &record.run;
        let forge = self.forge(&run.repository.connection).map_err(|e| no_start(&e, record))?;
        let configured = run.input.automation.run.base.clone();
        let from_event = run.input.event.repository.as_ref().filter(|named| named.name == run.repository);
        let from_event = from_event.and_then(|named| named.default_branch.clone());
        let mut branch = match configured.or(from_event) {
            Some(branch) => branch,
            None => self.default_branch(record).await?,
        };
        let mut head = forge.branch_head(&run.repository, &branch).await.map_err(|e| no_start(&e, record))?;
        if head.is_none() && run.input.automation.run.base.is_none() {
            // The event may be older than a rename of the default branch; this also tells a
            // repository that is gone from a branch that is.
            branch = self.default_branch(record).await?;
            head = forge.branch_head(&run.repository, &branch).await.map_err(|e| no_start(&e, record))?;
        }
        if head.is_none() {
            self.default_branch(record).await?;
        }
        let base = head.ok_or(NoStart::Never(Reason::BranchMissing { branch: branch.clone() }))?;
        Ok((branch, base))
    }

    async fn default_branch(&self, record: &RunRecord) -> Result<String, NoStart> {
        let repository = &record.run.repository;
        let forge = self.forge(&repository.connection).map_err(|e| no_start(&e, record))?;
        let facts = forge.repository(repository).await.map_err(|e| no_start(&e, record))?;
        Ok(facts.default_branch)
    }

    /// Whether a result is what the run's branch holds already: a pull request is not pushed to for
    /// nothing.
    pub(super) async fn is_there_already(
        &self,
        record: &RunRecord,
        tree: Option<&Oid>,
    ) -> Result<bool, StoreError> {
        let (Some(head), Some(tree)) = (&record.branch_head, tree) else { return Ok(false) };
        let made = self.store.run_that_made(&record.run.root, head).await?;
        Ok(made.and_then(|made| made.change?.tree).as_ref() == Some(tree))
    }
}
