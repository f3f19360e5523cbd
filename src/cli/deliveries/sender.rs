//! The sender that a webhook of the configuration believes.

use config::{Env, Loaded, Role};
use schemas::{Clock, WebhookName};
use senders::Sender;

use super::SendError;
use crate::cli::CliError;
use crate::parts::routes;

/// Resolves the secret of the webhook `name`, and of nothing else.
pub(super) fn of(
    mut loaded: Loaded,
    env: &dyn Env,
    name: &WebhookName,
    clock: &dyn Clock,
) -> Result<Sender, CliError> {
    loaded.settings.connections.clear();
    loaded.settings.webhooks.retain(|webhook, _| webhook == name);
    let secrets = loaded.secrets(Role::Up, env)?;
    let found = loaded.settings.webhooks.get(name).zip(secrets.webhooks.get(name));
    let (webhook, proof) = found.ok_or_else(|| SendError::unknown_webhook(name, &loaded.settings))?;
    let sender = routes::sender(webhook, proof, clock);
    Ok(sender.map_err(|source| SendError::Secret { webhook: name.clone(), source })?)
}
