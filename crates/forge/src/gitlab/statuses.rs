//! A named check on a commit: a commit status, which GitLab shows as a job of an external pipeline.
//! <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>.

use gitlab::api::projects::repository::commits::{CommitStatusState, CreateCommitStatus};
use schemas::{Oid, RepoRef};
use serde::de::IgnoredAny;

use super::call::{Call, built};
use crate::{Check, CheckState, ForgeError};

/// Bytes of a status's description that are sure to fit.
const MAX_DESCRIPTION: usize = 255;

pub(super) async fn set(
    call: &Call<'_>,
    repo: &RepoRef,
    head: &Oid,
    check: &Check,
) -> Result<(), ForgeError> {
    let state = match check.state {
        CheckState::Pending => CommitStatusState::Running,
        // Statuses have no neutral; an unset one would hold up a merge for ever.
        CheckState::Success | CheckState::Neutral => CommitStatusState::Success,
        CheckState::Failure => CommitStatusState::Failed,
    };
    let endpoint = CreateCommitStatus::builder()
        .project(repo.path.as_str())
        .commit(head.as_str())
        .state(state)
        .name(check.name.as_str())
        .description(cut(&check.summary))
        .build();
    match call.write::<IgnoredAny>(built(endpoint)?, &format!("the commit {head} of {repo}")).await {
        // It is in that state already: from `running` to `running` there is no way.
        Err(ForgeError::Refused { status: 400, message }) if message.contains("Cannot transition status") => {
            Ok(())
        }
        other => other.map(drop),
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=MAX_DESCRIPTION.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
