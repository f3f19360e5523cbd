//! Checks of a connection: who are we there, what may we do, do the clocks agree.

use ::forge::{Forge, ForgeError, Identity, RepositoryFacts};
use chrono::{DateTime, Utc};
use config::Connection;
use schemas::event::SourceKind;
use schemas::{Clock, ConnectionName, RepoRef, WebhookName};

use super::Check;

/// An App's token request is refused when its time is off by more: GitHub allows an `iat` of 60 s
/// in the past (docs.github.com, "Generating a JSON Web Token for a GitHub App").
const CLOCK_FAIL: i64 = 60;
/// A clock that is off by this much will be off by more.
const CLOCK_WARN: i64 = 10;

/// What a run needs of an App: repository permissions and the level.
const APP_NEEDS: [(&str, &str); 3] = [("contents", "write"), ("issues", "write"), ("pull_requests", "write")];

/// Who we are on a forge, what we may do there, and whether our clocks agree.
pub(super) async fn identity(
    name: &ConnectionName,
    kind: SourceKind,
    forge: &dyn Forge,
    clock: &dyn Clock,
) -> Vec<Check> {
    judge_identity(name, kind, forge.identity().await, clock.now())
}

pub(super) fn judge_identity(
    name: &ConnectionName,
    kind: SourceKind,
    answer: Result<Identity, ForgeError>,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let called = format!("connection {name}");
    let identity = match answer {
        Ok(identity) => identity,
        Err(error) => return vec![unreachable(called, &error)],
    };
    let whose = if identity.machine { "an App or bot" } else { "an account of a person" };
    let mut checks = vec![Check::ok(called, format!("we are {}, {whose}", identity.login))];
    checks.extend(match kind {
        SourceKind::Gitlab => scopes(name, &identity),
        _ => grants(name, &identity),
    });
    if let Some(theirs) = identity.clock {
        let off = (now - theirs).num_seconds();
        let name = format!("clock against {name}");
        let what = format!("off by {off} s");
        let remedy = "keep this machine's clock in step with NTP";
        checks.push(match off.abs() {
            off if off >= CLOCK_FAIL => Check::fail(name, what, remedy),
            off if off >= CLOCK_WARN => Check::warn(name, what, remedy),
            _ => Check::ok(name, "in step"),
        });
    }
    checks
}

fn unreachable(name: String, error: &ForgeError) -> Check {
    let remedy = match error {
        ForgeError::CredentialRefused => "make a new token, or check the App's id and private key",
        ForgeError::Forbidden { .. } => "give the token or App more permissions",
        ForgeError::NotFound { .. } => "check `url`: it has to be the API's address",
        ForgeError::RateLimited { .. } => "wait; the account's calls are used up for now",
        ForgeError::Unavailable { .. } | ForgeError::Unclear { .. } => {
            "check `url`, `ca_file`, this machine's network and its proxy"
        }
        ForgeError::Refused { .. }
        | ForgeError::AlreadyExists
        | ForgeError::Unsupported { .. }
        | ForgeError::TooLarge { .. } => "check `url`: it has to be the API's address",
    };
    Check::fail(name, error.to_string(), remedy)
}

/// What the forge says that our credential may do; nothing when it does not say.
fn grants(name: &ConnectionName, identity: &Identity) -> Option<Check> {
    let grants = identity.grants.as_ref()?;
    let called = format!("permissions at {name}");
    let levelled = grants.iter().any(|grant| grant.contains(':'));
    // A classic token has scopes such as `repo` and `read:org`, an App `contents:write`.
    if !identity.machine || !levelled {
        let enough = grants.iter().any(|grant| grant == "repo" || grant == "public_repo");
        return Some(if enough {
            Check::ok(called, grants.join(", "))
        } else {
            Check::fail(called, shown(grants), "give the token the scope `repo`")
        });
    }
    let missing: Vec<String> = APP_NEEDS
        .into_iter()
        .filter(|(what, level)| !grants.contains(&format!("{what}:{level}")))
        .map(|(what, level)| format!("{what}:{level}"))
        .collect();
    if !missing.is_empty() {
        let remedy = format!("give the App {} and accept the change in its installation", missing.join(", "));
        return Some(Check::fail(called, shown(grants), remedy));
    }
    let reports =
        ["checks:write", "statuses:write"].iter().any(|grant| grants.iter().any(|has| has == grant));
    Some(if reports {
        Check::ok(called, grants.join(", "))
    } else {
        let remedy = "give the App checks:write, so that results show at the commit";
        Check::warn(called, shown(grants), remedy)
    })
}

/// What a token of GitLab may do (docs.gitlab.com, "Personal access token scopes").
fn scopes(name: &ConnectionName, identity: &Identity) -> Option<Check> {
    let scopes = identity.grants.as_ref()?;
    let called = format!("permissions at {name}");
    Some(if scopes.iter().any(|scope| scope == "api") {
        Check::ok(called, scopes.join(", "))
    } else {
        Check::fail(called, shown(scopes), "make a token with the scope `api`")
    })
}

fn shown(grants: &[String]) -> String {
    if grants.is_empty() { "none".to_owned() } else { grants.join(", ") }
}

/// A tracker, which nothing is asked of; nothing to say of a forge that could not be made.
pub(super) fn tracker(name: &ConnectionName, connection: &Connection) -> Option<Check> {
    let what = format!("configured; this version does not call {}", connection.kind);
    (!connection.has_repositories()).then(|| Check::ok(format!("connection {name}"), what))
}

/// Are the repository's hooks that lead to us switched on?
pub(super) async fn hooks(repo: &RepoRef, forge: &dyn Forge, webhooks: &[WebhookName]) -> Vec<Check> {
    // A token that may not see hooks is no fault of theirs.
    let problems = forge.hook_problems(repo, webhooks).await.unwrap_or_default();
    let check = |problem| {
        let remedy = "mend what it failed on, then switch it on again on its page at the forge";
        Check::fail(format!("hooks of {repo}"), problem, remedy)
    };
    problems.into_iter().map(check).collect()
}

/// Does a repository exist for us, and may we push to it?
pub(super) async fn repository(repo: &RepoRef, forge: &dyn Forge) -> Check {
    judge_repository(repo, forge.repository(repo).await)
}

pub(super) fn judge_repository(repo: &RepoRef, answer: Result<RepositoryFacts, ForgeError>) -> Check {
    let name = format!("repository {repo}");
    match answer {
        Ok(facts) if facts.archived => Check::fail(
            name,
            "it is archived and takes no writes",
            "unarchive it, or take it out of the configuration",
        ),
        Ok(facts) if facts.can_push == Some(false) => {
            Check::fail(name, "our credential may not push to it", "give it write access to contents")
        }
        Ok(facts) => {
            let push = if facts.can_push == Some(true) {
                "we may push"
            } else {
                "the forge does not say whether we may push"
            };
            Check::ok(name, format!("default branch {}; {push}", facts.default_branch))
        }
        Err(ForgeError::NotFound { .. }) => Check::fail(
            name,
            "the forge does not know it, or does not show it to us",
            "check its name, and that the token or the App's installation covers it",
        ),
        Err(error) => unreachable(name, &error),
    }
}
