//! The model as GitHub writes it in JSON, for REST answers and webhook payloads alike.
//!
//! Field lists after GitHub's published OpenAPI description
//! (<https://github.com/github/rest-api-description>).

mod checks;
pub(crate) mod hooks;
mod items;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemas::automation::Permission;
use serde_json::{Value, json};

use crate::model::{Model, Reaction, Repository, User};
use crate::world::AppOptions;

/// Renders with the addresses under which the caller reached us.
pub(crate) struct Render<'a> {
    pub model: &'a Model,
    pub app: &'a AppOptions,
    /// The root of the pages for people.
    pub html: &'a str,
    /// The root of the REST interface.
    pub api: &'a str,
}

impl Render<'_> {
    pub(crate) fn user(&self, login: &str) -> Value {
        match self.model.users.get(&login.to_lowercase()) {
            Some(user) => self.account(user),
            None => Value::Null,
        }
    }

    pub(crate) fn account(&self, user: &User) -> Value {
        let (api, html, login) = (self.api, self.html, &user.login);
        json!({
            "login": login,
            "id": user.id,
            "node_id": node("User", user.id),
            "avatar_url": format!("{html}/avatars/u/{}", user.id),
            "gravatar_id": "",
            "url": format!("{api}/users/{login}"),
            "html_url": format!("{html}/{login}"),
            "followers_url": format!("{api}/users/{login}/followers"),
            "following_url": format!("{api}/users/{login}/following{{/other_user}}"),
            "gists_url": format!("{api}/users/{login}/gists{{/gist_id}}"),
            "starred_url": format!("{api}/users/{login}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{api}/users/{login}/subscriptions"),
            "organizations_url": format!("{api}/users/{login}/orgs"),
            "repos_url": format!("{api}/users/{login}/repos"),
            "events_url": format!("{api}/users/{login}/events{{/privacy}}"),
            "received_events_url": format!("{api}/users/{login}/received_events"),
            "type": user.kind,
            "user_view_type": "public",
            "site_admin": false,
        })
    }

    /// `permission` is the caller's; webhook payloads have none.
    pub(crate) fn repository(&self, repo: &Repository, permission: Option<Permission>) -> Value {
        let (html, full) = (self.html, repo.full_name());
        let url = format!("{}/repos/{full}", self.api);
        let open = repo.items.values().filter(|i| i.state == "open").count();
        let mut value = json!({
            "id": repo.id,
            "node_id": node("Repository", repo.id),
            "name": repo.name,
            "full_name": full,
            "private": repo.private,
            "owner": self.user(&repo.owner),
            "html_url": format!("{html}/{full}"),
            "description": null,
            "fork": false,
            "url": url,
            "created_at": repo.created_at,
            "updated_at": repo.created_at,
            "pushed_at": repo.created_at,
            "git_url": format!("{html}/{full}.git"),
            "ssh_url": format!("{html}/{full}.git"),
            "clone_url": format!("{html}/{full}.git"),
            "svn_url": format!("{html}/{full}"),
            "homepage": null,
            "size": 1,
            "stargazers_count": 0, "watchers_count": 0, "forks_count": 0,
            "language": null,
            "has_issues": true, "has_projects": false, "has_downloads": true, "has_wiki": false,
            "has_pages": false, "has_discussions": false,
            "mirror_url": null,
            "archived": repo.archived,
            "disabled": false,
            "open_issues_count": open,
            "license": null,
            "allow_forking": true,
            "is_template": false,
            "web_commit_signoff_required": false,
            "topics": [],
            "visibility": if repo.private { "private" } else { "public" },
            "forks": 0, "open_issues": open, "watchers": 0,
            "default_branch": repo.default_branch,
            "custom_properties": {},
        });
        if let Some(object) = value.as_object_mut() {
            for (name, suffix) in REPOSITORY_URLS {
                object.insert((*name).to_owned(), format!("{url}{suffix}").into());
            }
            if let Some(permission) = permission {
                object.insert("permissions".into(), permission_flags(permission));
            }
        }
        value
    }
}

/// The templates that a repository's JSON lists, below its own address.
const REPOSITORY_URLS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// GitHub's global ids: base64 of a kind and a number, opaque to callers.
pub(crate) fn node(kind: &str, id: u64) -> String {
    BASE64_STANDARD.encode(format!("0{}:{kind}{id}", kind.len()))
}

/// The counts of an object's reactions.
pub(crate) fn reactions(url: &str, all: &[Reaction]) -> Value {
    let mut value = json!({ "url": format!("{url}/reactions"), "total_count": all.len() });
    if let Some(object) = value.as_object_mut() {
        for content in REACTIONS {
            let count = all.iter().filter(|r| r.content == *content).count();
            object.insert((*content).to_owned(), count.into());
        }
    }
    value
}

/// The contents a reaction may have.
pub(crate) const REACTIONS: &[&str] = &["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];

fn permission_flags(permission: Permission) -> Value {
    json!({
        "admin": permission >= Permission::Admin,
        "maintain": permission >= Permission::Maintain,
        "push": permission >= Permission::Write,
        "triage": permission >= Permission::Triage,
        "pull": permission >= Permission::Read,
    })
}

/// What the sim's App may do.
pub(crate) fn app_permissions() -> Value {
    json!({
        "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write",
        "checks": "write", "statuses": "write",
    })
}
