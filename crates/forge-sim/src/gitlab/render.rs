//! The model as GitLab writes it in JSON.

use serde_json::{Value, json};

use super::model::{Award, Hook, Item, Note, Project, State, Status, User};

/// Renders with the address we listen on.
pub(crate) struct Render<'a> {
    pub state: &'a State,
    /// `http://address`, without a slash at the end.
    pub url: &'a str,
}

impl Render<'_> {
    pub(crate) fn user(&self, user: &User) -> Value {
        json!({
            "id": user.id, "username": user.username, "name": user.username, "state": "active",
            "locked": false, "avatar_url": null, "bot": user.bot, "public_email": "",
            "web_url": format!("{}/{}", self.url, user.username),
        })
    }

    fn user_of(&self, id: u64) -> Value {
        self.state.users.get(&id).map_or(Value::Null, |user| self.user(user))
    }

    pub(crate) fn member(&self, user: &User, level: u64) -> Value {
        let mut value = self.user(user);
        if let Some(object) = value.as_object_mut() {
            object.insert("access_level".into(), level.into());
            object.insert("membership_state".into(), "active".into());
            object.insert("expires_at".into(), Value::Null);
        }
        value
    }

    pub(crate) fn project(&self, project: &Project, caller: &User) -> Value {
        let (namespace, name) = project.path.rsplit_once('/').unwrap_or(("", &project.path));
        let access = project.members.get(&caller.id);
        let access = access.map(|level| json!({ "access_level": level, "notification_level": 3 }));
        json!({
            "id": project.id,
            "description": null,
            "name": name,
            "name_with_namespace": project.path.replace('/', " / "),
            "path": name,
            "path_with_namespace": project.path,
            "created_at": project.created_at,
            "default_branch": project.default_branch,
            "tag_list": [], "topics": [],
            "ssh_url_to_repo": format!("{}/{}.git", self.url, project.path),
            "http_url_to_repo": format!("{}/{}.git", self.url, project.path),
            "web_url": format!("{}/{}", self.url, project.path),
            "namespace": { "name": namespace, "path": namespace, "full_path": namespace, "kind": "group" },
            "archived": project.archived,
            "visibility": project.visibility,
            "issues_enabled": true,
            "merge_requests_enabled": true,
            "permissions": { "project_access": access, "group_access": null },
        })
    }

    pub(crate) fn item(&self, project: &Project, item: &Item) -> Value {
        let kind = if item.change.is_some() { "merge_requests" } else { "issues" };
        let mut value = json!({
            "id": item.id,
            "iid": item.iid,
            "project_id": project.id,
            "title": item.title,
            "description": item.description,
            "state": item.state,
            "created_at": item.created_at,
            "updated_at": item.created_at,
            "labels": item.labels,
            "author": self.user_of(item.author),
            "assignees": [],
            "user_notes_count": item.notes.len(),
            "web_url": format!("{}/{}/-/{kind}/{}", self.url, project.path, item.iid),
        });
        if let (Some(change), Some(object)) = (&item.change, value.as_object_mut()) {
            let draft = item.title.to_lowercase().starts_with("draft:");
            object.insert("source_branch".into(), change.source_branch.clone().into());
            object.insert("target_branch".into(), change.target_branch.clone().into());
            object.insert("source_project_id".into(), change.source_project.into());
            object.insert("target_project_id".into(), project.id.into());
            object.insert("sha".into(), change.sha.clone().into());
            object.insert("draft".into(), draft.into());
            object.insert("work_in_progress".into(), draft.into());
            let reviewers = item.reviewers.iter().map(|id| self.user_of(*id));
            object.insert("reviewers".into(), reviewers.collect::<Vec<_>>().into());
        }
        value
    }

    pub(crate) fn note(&self, item: &Item, note: &Note) -> Value {
        json!({
            "id": note.id,
            "type": null,
            "body": note.body,
            "author": self.user_of(note.author),
            "created_at": note.created_at,
            "updated_at": note.updated_at,
            "system": note.system,
            "noteable_id": item.id,
            "noteable_type": if item.change.is_some() { "MergeRequest" } else { "Issue" },
            "noteable_iid": item.iid,
            "resolvable": false,
            "confidential": note.internal,
            "internal": note.internal,
        })
    }

    pub(crate) fn award(&self, award: &Award, on: u64) -> Value {
        json!({
            "id": award.id, "name": award.name, "user": self.user_of(award.user), "awardable_id": on,
        })
    }

    pub(crate) fn status(&self, status: &Status) -> Value {
        json!({
            "id": status.id, "sha": status.sha, "ref": null, "status": status.status, "name": status.name,
            "target_url": null, "description": status.description, "author": self.user_of(status.author),
            "allow_failure": false, "coverage": null,
        })
    }

    pub(crate) fn hook(&self, project: &Project, hook: &Hook) -> Value {
        json!({
            "id": hook.id,
            "url": hook.url,
            "name": null,
            "description": null,
            "project_id": project.id,
            "created_at": project.created_at,
            "push_events": true, "issues_events": true, "note_events": true, "merge_requests_events": true,
            "enable_ssl_verification": true,
            "alert_status": hook.alert_status,
            "disabled_until": hook.disabled_until,
            "url_variables": [],
        })
    }
}
