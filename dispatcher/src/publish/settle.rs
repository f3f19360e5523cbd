//! Whether a write whose answer never came has happened.

use std::time::Duration;

use forge::ForgeError;
use schemas::Intent;
use schemas::intent::Write;
use store::{PullRequestRef, RunRecord, Thread};

use super::perform::{Made, database};
use crate::Dispatcher;
use crate::words;

/// What looking came to.
pub(super) enum Settled {
    /// It happened, and made this.
    There(Made),
    /// It did not happen, or making it again is harmless.
    NotThere,
    /// The forge may still be hiding it: look again after this long.
    Wait(Duration),
    /// Looking failed.
    Cannot(ForgeError),
}

impl Dispatcher {
    /// Looks whether the write of a `calling` intent is there; adopts the oldest match.
    pub(super) async fn settle(&self, intent: &Intent, record: Option<&RunRecord>) -> Settled {
        match self.look(intent, record).await {
            Ok(Look::Harmless) => Settled::NotThere,
            Ok(Look::Found(made)) => Settled::There(made),
            // Lists lag behind writes: one look is not enough to call it absent.
            Ok(Look::Absent) => match self.settings.settle.get(intent.looks as usize + 1) {
                Some(delay) => Settled::Wait(*delay),
                None => Settled::NotThere,
            },
            Err(error) => Settled::Cannot(error),
        }
    }

    async fn look(&self, intent: &Intent, record: Option<&RunRecord>) -> Result<Look, ForgeError> {
        let forge = self.forge_for(intent)?;
        let repository = &intent.repository;
        let (number, marker) = match (&intent.write, record) {
            (Write::AnswerRefusal { number, automation, login, .. }, _) => {
                (*number, words::refusal_marker(&intent.work_item, automation, login))
            }
            (Write::AnswerCommand { number, comment, .. }, _) => {
                (*number, words::answer_marker(&intent.work_item, comment))
            }
            (Write::SyncComment { number }, Some(record)) => {
                let run = &record.run;
                let key = words::thread(run);
                let known = self.store.thread(&key, &run.automation).await.map_err(|e| database(&e))?;
                if known.is_some() {
                    return Ok(Look::Harmless);
                }
                (*number, words::status_marker(&key, &run.automation))
            }
            (Write::OpenPullRequest { head, .. }, _) => {
                let found = forge.find_pull_request(repository, head).await?;
                return Ok(found.map_or(Look::Absent, |made| {
                    Look::Found(Made::PullRequest(PullRequestRef { number: made.number, url: made.url }))
                }));
            }
            _ => return Ok(Look::Harmless),
        };
        let found = forge.find_comment(repository, number, &marker).await?;
        Ok(found.map_or(Look::Absent, |comment| match intent.write {
            Write::AnswerRefusal { .. } | Write::AnswerCommand { .. } => {
                Look::Found(Made::Nothing(comment.url))
            }
            _ => Look::Found(Made::Comment(Thread {
                comment_id: comment.id,
                comment_url: comment.url,
                deleted: false,
            })),
        }))
    }
}

enum Look {
    /// Making it again changes nothing.
    Harmless,
    Found(Made),
    /// Not to be seen, so far.
    Absent,
}
