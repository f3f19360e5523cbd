//! What the configuration says that deciding needs, for a running Pullwright and for `test`.

use std::collections::BTreeMap;

use config::Settings;
use dispatcher::WebhookReading;
use dispatcher::decide::routing::{ProjectRoute, Routing};
use schemas::{RepoRef, WebhookName};

/// How the deliveries of each webhook are read.
pub fn readings(settings: &Settings) -> BTreeMap<WebhookName, WebhookReading> {
    let webhooks = settings.webhooks.iter().map(|(name, webhook)| {
        let reading = WebhookReading {
            kind: webhook.kind,
            connection: webhook.connection.clone(),
            mapping: webhook.mapping.clone(),
        };
        (name.clone(), reading)
    });
    webhooks.collect()
}

/// Where work goes that names no repository, by the entries that name one repository each.
pub fn routing(settings: &Settings) -> Routing {
    let named = settings.repositories.iter().filter_map(|rule| {
        let glob = rule.pattern.contains(['*', '?', '[', '{']);
        Some((rule.pattern.parse::<RepoRef>().ok().filter(|_| !glob)?, rule))
    });
    let mut routing = Routing::default();
    for (repository, rule) in named.clone() {
        routing.aliases.extend(rule.alias.iter().map(|alias| (alias.clone(), repository.clone())));
        routing.projects.extend(rule.projects.iter().map(|project| ProjectRoute {
            kind: project.kind,
            connection: project.connection.clone(),
            project: project.name.clone(),
            repository: repository.clone(),
        }));
    }
    // With a glob among them nobody knows that it is the only one.
    if let [_] = settings.repositories.as_slice() {
        routing.only = named.map(|(repository, _)| repository).next();
    }
    routing
}
