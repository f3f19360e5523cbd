//! Webhooks and their deliveries in JSON.

use serde_json::{Value, json};

use super::Render;
use crate::model::{DeliveryRecord, Repository, Webhook};

impl Render<'_> {
    pub(crate) fn hook(&self, repo: &Repository, hook: &Webhook, last: Option<&DeliveryRecord>) -> Value {
        let url = format!("{}/repos/{}/hooks/{}", self.api, repo.full_name(), hook.id);
        json!({
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": hook.events,
            "config": hook_config(hook),
            "updated_at": repo.created_at,
            "created_at": repo.created_at,
            "url": url,
            "test_url": format!("{url}/test"),
            "ping_url": format!("{url}/pings"),
            "deliveries_url": format!("{url}/deliveries"),
            "last_response": {
                "code": last.and_then(|d| d.status),
                "status": last.map_or("unused", |d| if d.accepted() { "active" } else { "failed" }),
                "message": last.map(status),
            },
        })
    }
}

/// Where a hook delivers to, its secret masked.
pub(crate) fn hook_config(hook: &Webhook) -> Value {
    let mut config = json!({ "content_type": "json", "insecure_ssl": "0", "url": hook.url });
    if let (false, Some(object)) = (hook.secret.is_empty(), config.as_object_mut()) {
        object.insert("secret".into(), "********".into());
    }
    config
}

/// One attempt, as lists have it.
pub(crate) fn delivery(record: &DeliveryRecord, installation: Option<u64>) -> Value {
    json!({
        "id": record.id,
        "guid": record.guid,
        "delivered_at": record.at,
        "redelivery": record.redelivery,
        "duration": 0.01,
        "status": status(record),
        // Without an answer GitHub shows that of a gateway.
        "status_code": record.status.unwrap_or(502),
        "event": record.event,
        "action": Some(&record.action).filter(|action| !action.is_empty()),
        "installation_id": installation,
        "repository_id": record.repository,
        "throttled_at": null,
    })
}

fn status(record: &DeliveryRecord) -> String {
    match record.status {
        Some(_) if record.accepted() => "OK".to_owned(),
        Some(code) => format!("Invalid HTTP Response: {code}"),
        None => "failed to connect to host".to_owned(),
    }
}
