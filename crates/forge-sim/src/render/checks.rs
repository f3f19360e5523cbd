//! Commit statuses, check runs and the App in JSON.

use serde_json::{Value, json};

use super::{Render, app_permissions, node};
use crate::model::{CheckRun, Repository, Status};

impl Render<'_> {
    pub(crate) fn status(&self, repo: &Repository, status: &Status) -> Value {
        json!({
            "url": format!("{}/repos/{}/statuses/{}", self.api, repo.full_name(), status.sha),
            "avatar_url": null,
            "id": status.id,
            "node_id": node("StatusContext", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": status.created_at,
            "updated_at": status.created_at,
            "creator": self.user(&status.login),
        })
    }

    pub(crate) fn check_run(&self, repo: &Repository, run: &CheckRun) -> Value {
        let full = repo.full_name();
        let output = run.output.clone().unwrap_or_default();
        let url = format!("{}/repos/{full}/check-runs/{}", self.api, run.id);
        json!({
            "id": run.id,
            "node_id": node("CheckRun", run.id),
            "name": run.name,
            "head_sha": run.head_sha,
            "external_id": run.external_id.clone().unwrap_or_default(),
            "url": url,
            "html_url": format!("{}/{full}/runs/{}", self.html, run.id),
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": output.title, "summary": output.summary, "text": output.text,
                "annotations_count": 0, "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": { "id": run.id },
            "app": self.app(),
            "pull_requests": [],
        })
    }

    pub(crate) fn app(&self) -> Value {
        let app = self.app;
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": node("App", app.id),
            "client_id": format!("Iv1.{:016x}", app.id),
            "owner": self.user(&format!("{}[bot]", app.slug)),
            "name": app.slug,
            "description": null,
            "external_url": self.html,
            "html_url": format!("{}/apps/{}", self.html, app.slug),
            "created_at": "2020-01-01T00:00:00Z",
            "updated_at": "2020-01-01T00:00:00Z",
            "permissions": app_permissions(),
            "events": ["issues", "issue_comment"],
        })
    }
}
