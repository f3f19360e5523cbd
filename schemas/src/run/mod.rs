//! A run: what it was decided on, where it stands, how it ended.

mod reason;
mod state;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::automation::{Automation, Mode, Usd};
use crate::event::Event;
use crate::id::{AutomationName, DeliveryId, Oid, RepoRef, RunId, WorkItem};
use crate::trace::TraceContext;

pub use reason::Reason;
pub use state::{Gate, IllegalTransition, Outcome, RunState, Step, Transition};

/// One piece of work that an automation started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The automation that started it.
    pub automation: AutomationName,
    /// The delivery that started it.
    pub delivery: DeliveryId,
    /// What it is about.
    pub work_item: WorkItem,
    /// The work item that all linked to it stand for: one has one active run, one branch and one pull
    /// request.
    pub root: WorkItem,
    /// The runs it counts with for `concurrency`; empty where its automation sets no limit.
    pub group: String,
    /// How many runs caused each other up to this one, itself included: 1 where a person did.
    pub depth: u32,
    /// The account id of who triggered it, with its connection: `github:583231`.
    pub actor: Option<String>,
    /// What it may spend, held back from the day's budgets once it is admitted.
    pub reserved: Usd,
    /// What it has spent.
    pub spent: Usd,
    /// When it was admitted; the day its money counts for.
    pub admitted_at: Option<DateTime<Utc>>,
    /// What a person has to agree to, or has.
    pub approval: Option<ApprovalState>,
    /// Where it works.
    pub repository: RepoRef,
    /// How far it may go.
    pub mode: Mode,
    /// The branch its result goes to.
    pub branch: String,
    /// The automation and event as they were when it was decided; later edits do not reach it.
    pub input: RunInput,
    /// Where it stands.
    pub state: RunState,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// How many workers were lost while they held it.
    pub workers_lost: u32,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// When a worker first claimed it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The trace it belongs to.
    pub trace: TraceContext,
    /// The commit it started from, once known.
    pub base: Option<Oid>,
    /// The commit it made, once pushed.
    pub head: Option<Oid>,
}

impl Run {
    /// A run of `input` that may be claimed at once, as one that a person caused and that costs nothing.
    #[must_use]
    pub fn new(
        id: RunId,
        input: RunInput,
        work_item: WorkItem,
        repository: RepoRef,
        branch: String,
        now: DateTime<Utc>,
    ) -> Self {
        let actor =
            input.event.actor.as_ref().map(|actor| format!("{}:{}", input.event.connection, actor.id));
        Self {
            id,
            automation: input.automation.name.clone(),
            delivery: input.event.id,
            root: work_item.clone(),
            work_item,
            group: String::new(),
            depth: 1,
            actor,
            reserved: Usd::default(),
            spent: Usd::default(),
            admitted_at: None,
            approval: None,
            repository,
            mode: input.automation.mode.unwrap_or_default(),
            branch,
            input,
            state: RunState::Queued { wake_at: now },
            cancel_requested: false,
            workers_lost: 0,
            created_at: now,
            started_at: None,
            finished_at: None,
            trace: TraceContext::default(),
            base: None,
            head: None,
        }
    }
}

/// What a person has to agree to before a run starts, and whether one has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalState {
    /// SHA-256 over everything that the run would be given, the head commit included, in hex. Its
    /// first eight digits are the code that people write.
    pub inputs: String,
    /// The commit it starts from once somebody agreed, whatever its branch holds by then.
    pub head: Oid,
    /// Who agreed, once somebody has.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<DateTime<Utc>>,
}

impl ApprovalState {
    /// What nobody agreed to yet.
    #[must_use]
    pub fn new(inputs: String, head: Oid) -> Self {
        Self { inputs, head, approved_by: None, approved_at: None }
    }
}

/// What a run was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInput {
    /// The automation, defaults applied.
    pub automation: Automation,
    /// The event.
    pub event: Event,
    /// What the repository's configuration adds.
    pub setup: RepositorySetup,
}

/// Commands and paths that belong to a repository, not to an automation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySetup {
    /// Run before the automation's commands.
    pub setup: Vec<String>,
    /// Run after them, to judge the result.
    pub validate: Vec<String>,
    /// Globs that a result may not touch.
    pub protected_paths: Vec<String>,
}
