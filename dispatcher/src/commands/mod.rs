//! What people ask of Pullwright itself in a comment: `/agent approve`, `/agent why`, `/agent cancel`.
//!
//! A command is an intent like any write: it is stored with the delivery that brought it, and obeyed
//! where its answer is made, so that a crash in between repeats it instead of losing it.

mod obey;

use chrono::{DateTime, Utc};
use schemas::event::{ActorKind, EventType};
use schemas::intent::{IntentState, Write};
use schemas::{Epoch, Event, Intent, IntentId};
use store::{StoreError, Tx};

use crate::Dispatcher;
use crate::decide::text;

/// The word that all of them begin with; automations may listen for it too.
pub const WORD: &str = "/agent";

/// A command that no automation has to define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Agree to the run that waits for somebody's word.
    Approve {
        /// The code of what it would be given; not needed where one run waits.
        code: Option<String>,
    },
    /// Say what was decided and what waits for what.
    Why,
    /// End the item's runs.
    Cancel,
}

impl Command {
    /// As people write it.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "/agent approve",
            Self::Why => "/agent why",
            Self::Cancel => "/agent cancel",
        }
    }
}

/// The command that a person gave with a comment; nothing of ours and no bot's word counts.
#[must_use]
pub fn command(event: &Event) -> Option<Command> {
    let written = [EventType::CommentCreated, EventType::ReviewCommentCreated, EventType::ReviewSubmitted];
    let human = event.actor.as_ref().is_some_and(|actor| actor.kind == ActorKind::Human);
    let body = event.comment.as_ref()?.body.expose();
    if !human || !written.contains(&event.r#type) || body.contains(crate::words::MARKER) {
        return None;
    }
    text::commands(event.source, body).iter().filter(|line| line.word == WORD).find_map(|line| {
        let mut words = line.rest.split_whitespace();
        match words.next()? {
            "approve" => Some(Command::Approve { code: words.next().map(str::to_owned) }),
            "why" => Some(Command::Why),
            "cancel" => Some(Command::Cancel),
            _ => None,
        }
    })
}

impl Dispatcher {
    /// Plans an answer for each event that is a command, once for its comment.
    pub(crate) async fn plan_answers(
        &self,
        tx: &Tx,
        events: impl Iterator<Item = &Event>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for event in events.filter(|event| command(event).is_some()) {
            let (Some(item), Some(repository), Some(work_item), Some(comment)) =
                (&event.item, &event.repository, &event.work_item, &event.comment)
            else {
                continue;
            };
            let Ok(number) = item.key.parse() else { continue };
            let comment = comment.id.clone();
            let key = format!("answer:{work_item}:{}:{comment}", event.r#type);
            let intent = Intent {
                id: IntentId::fresh(&*self.clock),
                run: None,
                epoch: Epoch(0),
                work_item: work_item.clone(),
                repository: repository.name.clone(),
                write: Write::AnswerCommand { number, comment, delivery: event.id },
                state: IntentState::Open,
                attempts: 0,
                looks: 0,
                not_before: now,
                created_at: now,
                result: None,
            };
            tx.plan(&intent, &key).await?;
        }
        Ok(())
    }
}
