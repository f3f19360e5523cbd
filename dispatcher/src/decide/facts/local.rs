//! What our own records say.

use chrono::{DateTime, TimeDelta, Utc};
use store::Store;

use super::{Answer, Answered, FactKey};

/// A label that we put on or took off is told of within this time; later it was somebody else.
const LABEL_ECHO: TimeDelta = TimeDelta::minutes(10);

pub(super) async fn answer(store: &Store, question: &FactKey, now: DateTime<Utc>) -> Answered {
    let found = match question {
        FactKey::OwnPullRequest { repository, number } => {
            store.is_own_pull_request(repository, *number).await
        }
        FactKey::OwnCommit { repository, branch, commit } => {
            store.is_own_commit(repository, branch.as_deref(), commit).await
        }
        FactKey::OwnLabel { repository, number, label } => {
            store.put_label_on(repository, *number, label, now - LABEL_ECHO).await
        }
        FactKey::OwnUnlabel { work_item, label } => {
            store.took_label_off(work_item, label, now - LABEL_ECHO).await
        }
        _ => return Err("our records do not hold it".to_owned()),
    };
    found.map(Answer::Is).map_err(|error| format!("our database: {error}"))
}
