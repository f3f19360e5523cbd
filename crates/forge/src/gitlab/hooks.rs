//! Hooks that GitLab switched off since their deliveries failed.
//! <https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks>.

use chrono::{DateTime, Utc};
use gitlab::api::projects::hooks::Hooks;
use schemas::{RepoRef, WebhookName};
use serde::Deserialize;

use super::call::{Call, built};
use crate::ForgeError;
use crate::deliveries::leads_to;

#[derive(Deserialize)]
struct Hook {
    id: u64,
    url: String,
    /// `executable`, `disabled` or `temporarily_disabled`; missing before 15.1.
    alert_status: Option<String>,
    disabled_until: Option<DateTime<Utc>>,
}

pub(super) async fn problems(
    call: &Call<'_>,
    repo: &RepoRef,
    webhooks: &[WebhookName],
) -> Result<Vec<String>, ForgeError> {
    let endpoint = built(Hooks::builder().project(repo.path.as_str()).build())?;
    let mut sentences = Vec::new();
    let keep = |hook: Hook| {
        if let Some(name) = webhooks.iter().find(|name| leads_to(&hook.url, name)) {
            sentences.extend(sentence(&hook, name, repo));
        }
        None::<()>
    };
    call.find(endpoint, &format!("the hooks of the project {repo}"), keep).await?;
    Ok(sentences)
}

fn sentence(hook: &Hook, webhook: &WebhookName, repo: &RepoRef) -> Option<String> {
    let id = hook.id;
    let begin =
        format!("GitLab has switched off hook {id} of {repo}, which leads to the webhook `{webhook}`");
    match hook.alert_status.as_deref()? {
        "executable" => None,
        "temporarily_disabled" => {
            let until = hook.disabled_until.map(|until| format!(" until {}", until.format("%F %H:%M UTC")));
            Some(format!(
                "{begin},{} since its deliveries failed; once they are accepted again it comes back by itself, \
                 at once after a successful \"Test\" in the project's settings under Webhooks",
                until.unwrap_or_default()
            ))
        }
        _ => Some(format!(
            "{begin}, for good, since its deliveries failed too often; send a \"Test\" in the project's \
             settings under Webhooks, which switches it on again when it is accepted"
        )),
    }
}
