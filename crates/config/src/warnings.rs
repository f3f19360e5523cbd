//! What is allowed, and probably not meant to stay.

use schemas::WebhookName;

use crate::network::reach_loopback;
use crate::settings::Settings;

/// Something about a webhook that whoever runs it should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Which webhook.
    pub webhook: WebhookName,
    /// What is so.
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the webhook `{}` {}; {}", self.webhook, self.what, self.remedy)
    }
}

impl Settings {
    /// What to tell at every start.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (name, webhook) in &self.webhooks {
            let mut warn = |what: String, remedy| {
                warnings.push(Warning { webhook: name.clone(), what, remedy });
            };
            if webhook.is_insecure() {
                warn(
                    "believes every delivery, signed or not: `insecure: true`".to_owned(),
                    "give it a secret before anybody else, a proxy in front included, can reach it",
                );
            }
            if !webhook.networks.is_empty()
                && self.listen.webhooks.ip().is_loopback()
                && !reach_loopback(&webhook.networks)
                && !reach_loopback(&self.intake.trusted_proxies)
            {
                warn(
                    format!(
                        "takes nothing: only this machine reaches {}, and `networks` does not name it",
                        self.listen.webhooks
                    ),
                    "name the proxy in front, `intake: { trusted_proxies: [127.0.0.1] }`, so that \
                     its word of where deliveries come from counts",
                );
            }
        }
        warnings
    }
}
