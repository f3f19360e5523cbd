//! What was decided for one automation about one event, and why.

use serde::{Deserialize, Serialize};

use crate::id::{AutomationName, DeliveryId, RunId};

/// A recorded decision. Every candidate automation of every delivery has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Decision {
    /// The delivery it is about.
    #[schema(value_type = uuid::Uuid)]
    pub delivery: DeliveryId,
    /// The automation it is about.
    #[schema(value_type = String)]
    pub automation: AutomationName,
    /// What was decided.
    pub verdict: Verdict,
}

/// The decision itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Every clause held; a run exists, or would in `observe` mode.
    Matched {
        /// The run, absent in `observe` mode.
        #[schema(value_type = Option<uuid::Uuid>)]
        run: Option<RunId>,
    },
    /// A clause did not hold.
    NotMatched {
        /// The key in the automation.
        clause: String,
        /// What the clause asks for.
        wants: String,
        /// What the event had.
        value: String,
    },
    /// It could not be decided; never taken as a match.
    Error {
        /// What went wrong.
        message: String,
    },
    /// Who did it may not start it.
    Denied {
        /// The login.
        actor: String,
        /// What was missing.
        because: String,
    },
    /// The same happening was decided before.
    Duplicate {
        /// By this delivery.
        #[schema(value_type = uuid::Uuid)]
        of: DeliveryId,
    },
    /// It matched and waits for another run of the same work item or group.
    Waiting {
        /// The run, which is pending.
        #[schema(value_type = uuid::Uuid)]
        run: RunId,
        /// The run it waits for.
        #[schema(value_type = uuid::Uuid)]
        behind: RunId,
    },
    /// It matched, and a run that waits for more of the same takes it in.
    Debounced {
        /// That run.
        #[schema(value_type = uuid::Uuid)]
        into: RunId,
    },
    /// It matched and waits for money: the run is pending until the limit has room again.
    OverBudget {
        /// The run.
        #[schema(value_type = uuid::Uuid)]
        run: RunId,
        /// The key in the automation, what it allows and what is taken of it.
        limit: String,
    },
    /// A loop was broken: too many runs caused each other, or too many for one work item in an hour.
    Paused {
        /// Which of them, with its numbers.
        because: String,
    },
    /// It matched, but no repository follows from the event and the configuration.
    NoRepository {
        /// What was tried.
        because: String,
    },
    /// Our own doing came back as an event.
    OwnEvent {
        /// How it was recognised.
        because: String,
    },
    /// The event is older, by its own time, than the keys that would show a repeat.
    Stale {
        /// Its age in days.
        days: i64,
    },
}

impl Verdict {
    /// The word that lists print.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Matched { .. } => "matched",
            Self::NotMatched { .. } => "not_matched",
            Self::Error { .. } => "error",
            Self::Denied { .. } => "denied",
            Self::Duplicate { .. } => "duplicate",
            Self::Waiting { .. } => "waiting",
            Self::Debounced { .. } => "debounced",
            Self::OverBudget { .. } => "over_budget",
            Self::Paused { .. } => "paused",
            Self::NoRepository { .. } => "no_repository",
            Self::OwnEvent { .. } => "own_event",
            Self::Stale { .. } => "stale",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Matched { run: Some(run) } => format!("every clause held; run {run}"),
            Self::Matched { run: None } => {
                "every clause held; nothing was started, because it is only observed".into()
            }
            Self::NotMatched { clause, wants, value } => {
                format!("`{clause}` wants {wants}, the event has {value}")
            }
            Self::Error { message } => format!("could not be decided: {message}"),
            Self::Denied { actor, because } => format!("{actor} may not start it: {because}"),
            Self::Duplicate { of } => format!("the same happening was decided with delivery {of}"),
            Self::Waiting { run, behind } => {
                format!("run {run} waits for run {behind}")
            }
            Self::Debounced { into } => format!("run {into} waits for more of the same and takes it in"),
            Self::OverBudget { run, limit } => format!("run {run} waits for money: {limit}"),
            Self::Paused { because } => format!("a loop is broken: {because}"),
            Self::NoRepository { because } => format!("no repository: {because}"),
            Self::OwnEvent { because } => format!("our own doing: {because}"),
            Self::Stale { days } => {
                format!("the event is {days} days old, older than the keys that show repeats")
            }
        }
    }
}
