//! Issues, pull requests, comments, labels and reactions in JSON.

use schemas::automation::Permission;
use serde_json::{Value, json};

use super::{Render, node, reactions};
use crate::model::{Comment, Item, Label, Reaction, Repository};

impl Render<'_> {
    pub(crate) fn label(&self, repo: &Repository, name: &str) -> Value {
        let fallback = Label { id: 0, name: name.to_owned(), color: "ededed".into(), description: None };
        let label = repo.label(name).unwrap_or(&fallback);
        json!({
            "id": label.id,
            "node_id": node("Label", label.id),
            "url": format!("{}/repos/{}/labels/{}", self.api, repo.full_name(), label.name),
            "name": label.name,
            "color": label.color,
            "default": false,
            "description": label.description,
        })
    }

    pub(crate) fn labels(&self, repo: &Repository, item: &Item) -> Vec<Value> {
        item.labels.iter().map(|name| self.label(repo, name)).collect()
    }

    /// An issue; also the issue side of a pull request.
    pub(crate) fn issue(&self, repo: &Repository, item: &Item) -> Value {
        let (full, number) = (repo.full_name(), item.number);
        let url = format!("{}/repos/{full}/issues/{number}", self.api);
        let mut value = json!({
            "url": url,
            "repository_url": format!("{}/repos/{full}", self.api),
            "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"),
            "events_url": format!("{url}/events"),
            "html_url": self.item_page(repo, item),
            "id": item.id,
            "node_id": node("Issue", item.id),
            "number": number,
            "title": item.title,
            "user": self.user(&item.author),
            "labels": self.labels(repo, item),
            "state": item.state,
            "state_reason": (item.state == "closed").then_some("completed"),
            "locked": false,
            "assignee": null, "assignees": [], "milestone": null,
            "comments": item.comments.len(),
            "created_at": item.created_at,
            "updated_at": item.updated_at,
            "closed_at": item.closed_at,
            "author_association": self.association(repo, &item.author),
            "active_lock_reason": null,
            "sub_issues_summary": { "total": 0, "completed": 0, "percent_completed": 0 },
            "body": item.body,
            "reactions": reactions(&url, &item.reactions),
            "timeline_url": format!("{url}/timeline"),
            "performed_via_github_app": null,
        });
        if let (Some(pull), Some(object)) = (&item.pull, value.as_object_mut()) {
            let (api, html) =
                (format!("{}/repos/{full}/pulls/{number}", self.api), self.item_page(repo, item));
            object.insert("draft".into(), pull.draft.into());
            object.insert(
                "pull_request".into(),
                json!({
                    "url": api, "html_url": html, "diff_url": format!("{html}.diff"),
                    "patch_url": format!("{html}.patch"), "merged_at": null,
                }),
            );
        }
        value
    }

    /// A pull request as lists show it.
    pub(crate) fn pull(&self, repo: &Repository, item: &Item) -> Value {
        let Some(pull) = &item.pull else { return Value::Null };
        let (full, number) = (repo.full_name(), item.number);
        let url = format!("{}/repos/{full}/pulls/{number}", self.api);
        let issue = format!("{}/repos/{full}/issues/{number}", self.api);
        let html = self.item_page(repo, item);
        let side = |branch: &str, sha: &str| {
            json!({
                "label": format!("{}:{branch}", repo.owner),
                "ref": branch,
                "sha": sha,
                "user": self.user(&repo.owner),
                "repo": self.repository(repo, None),
            })
        };
        let statuses = format!("{}/repos/{full}/statuses/{}", self.api, pull.head_sha);
        let review_comment = format!("{}/repos/{full}/pulls/comments{{/number}}", self.api);
        let links = json!({
            "self": { "href": url },
            "html": { "href": html },
            "issue": { "href": issue },
            "comments": { "href": format!("{issue}/comments") },
            "review_comments": { "href": format!("{url}/comments") },
            "review_comment": { "href": review_comment },
            "commits": { "href": format!("{url}/commits") },
            "statuses": { "href": statuses },
        });
        json!({
            "url": url,
            "id": item.id,
            "node_id": node("PullRequest", item.id),
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "number": number,
            "state": item.state,
            "locked": false,
            "title": item.title,
            "user": self.user(&item.author),
            "body": item.body,
            "created_at": item.created_at,
            "updated_at": item.updated_at,
            "closed_at": item.closed_at,
            "merged_at": null, "merge_commit_sha": null,
            "assignee": null, "assignees": [], "requested_teams": [],
            "requested_reviewers": pull.reviewers.iter().map(|login| self.user(login)).collect::<Vec<_>>(),
            "labels": self.labels(repo, item),
            "milestone": null,
            "draft": pull.draft,
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": review_comment,
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "head": side(&pull.head, &pull.head_sha),
            "base": side(&pull.base, &pull.base_sha),
            "_links": links,
            "author_association": self.association(repo, &item.author),
            "auto_merge": null,
            "active_lock_reason": null,
        })
    }

    pub(crate) fn comment(&self, repo: &Repository, item: u64, comment: &Comment) -> Value {
        let full = repo.full_name();
        let url = format!("{}/repos/{full}/issues/comments/{}", self.api, comment.id);
        let page = repo.items.get(&item).map(|i| self.item_page(repo, i)).unwrap_or_default();
        json!({
            "url": url,
            "html_url": format!("{page}#issuecomment-{}", comment.id),
            "issue_url": format!("{}/repos/{full}/issues/{item}", self.api),
            "id": comment.id,
            "node_id": node("IssueComment", comment.id),
            "user": self.user(&comment.author),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "author_association": self.association(repo, &comment.author),
            "body": comment.body,
            "reactions": reactions(&url, &comment.reactions),
            "performed_via_github_app": null,
        })
    }

    pub(crate) fn reaction(&self, reaction: &Reaction) -> Value {
        json!({
            "id": reaction.id,
            "node_id": node("Reaction", reaction.id),
            "user": self.user(&reaction.login),
            "content": reaction.content,
            "created_at": reaction.created_at,
        })
    }

    /// Where a person reads an issue or pull request.
    pub(crate) fn item_page(&self, repo: &Repository, item: &Item) -> String {
        let kind = if item.pull.is_some() { "pull" } else { "issues" };
        format!("{}/{}/{kind}/{}", self.html, repo.full_name(), item.number)
    }

    fn association(&self, repo: &Repository, login: &str) -> &'static str {
        match repo.permission(login) {
            _ if login.eq_ignore_ascii_case(&repo.owner) => "OWNER",
            Permission::None | Permission::Read => "NONE",
            _ => "COLLABORATOR",
        }
    }
}
