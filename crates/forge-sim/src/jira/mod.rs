//! A Jira at the same address: groups and roles below `/rest/api/2`, of Cloud or Data Center as the
//! credential is `Basic` or `Bearer`. Shapes after
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v2/intro/>.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::world::World;

/// What a Jira remembers.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The groups of each account, by its id or name.
    groups: BTreeMap<String, Vec<String>>,
    /// Who has each role, by project and role.
    roles: BTreeMap<String, BTreeMap<String, Vec<RoleActor>>>,
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleActor {
    /// An account, by its id or name.
    Account(String),
    /// Everybody in a group.
    Group(String),
}

/// The Jira of a running [`Sim`](crate::Sim), at the same address.
pub struct JiraSim<'a> {
    pub(crate) world: &'a World,
}

impl JiraSim<'_> {
    /// Makes sure an account exists, and sets its groups.
    pub fn add_account(&self, account: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self.world.jira().groups.insert(account.to_owned(), groups);
    }

    /// Sets who has a role in a project.
    pub fn set_role(&self, project: &str, role: &str, actors: &[RoleActor]) {
        let mut state = self.world.jira();
        state.roles.entry(project.to_owned()).or_default().insert(role.to_owned(), actors.to_vec());
    }
}

impl World {
    /// What the Jira remembers.
    pub(crate) fn jira(&self) -> MutexGuard<'_, State> {
        self.jira.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All routes of the interface.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/rest/api/2/user", get(user))
        .route("/rest/api/2/project/{project}/role", get(roles))
        .route("/rest/api/2/project/{project}/role/{role}", get(role))
}

/// One authenticated call.
struct Caller {
    world: Arc<World>,
    cloud: bool,
}

struct Refusal(StatusCode, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "errorMessages": [self.1], "errors": {} }))).into_response()
    }
}

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refusal> {
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let cloud = match given.and_then(|value| value.split_once(' ')) {
            Some(("Basic", _)) => true,
            Some(("Bearer", _)) => false,
            _ => return Err(Refusal(StatusCode::UNAUTHORIZED, "You are not authenticated.")),
        };
        Ok(Self { world: Arc::clone(world), cloud })
    }
}

async fn user(caller: Caller, Query(query): Query<BTreeMap<String, String>>) -> Result<Json<Value>, Refusal> {
    let key = if caller.cloud { "accountId" } else { "username" };
    let missing = Refusal(StatusCode::BAD_REQUEST, "Either the username or the account id is needed.");
    let account = query.get(key).ok_or(missing)?;
    let state = caller.world.jira();
    let missing = Refusal(StatusCode::NOT_FOUND, "The user does not exist.");
    let groups = state.groups.get(account).ok_or(missing)?;
    let mut value = json!({ key: account, "active": true });
    if query.get("expand").is_some_and(|expand| expand.contains("groups")) {
        let items: Vec<Value> = groups.iter().map(|name| json!({ "name": name })).collect();
        value["groups"] = json!({ "size": items.len(), "items": items });
    }
    Ok(Json(value))
}

async fn roles(caller: Caller, Path(project): Path<String>) -> Result<Json<Value>, Refusal> {
    let state = caller.world.jira();
    let roles =
        state.roles.get(&project).ok_or(Refusal(StatusCode::NOT_FOUND, "No project could be found."))?;
    let address = |number: usize| format!("{}/rest/api/2/project/{project}/role/{number}", caller.world.url);
    Ok(Json(roles.keys().enumerate().map(|(number, name)| (name.clone(), json!(address(number)))).collect()))
}

async fn role(caller: Caller, Path((project, role)): Path<(String, usize)>) -> Result<Json<Value>, Refusal> {
    let state = caller.world.jira();
    let found = state.roles.get(&project).and_then(|roles| roles.iter().nth(role));
    let (name, actors) = found.ok_or(Refusal(StatusCode::NOT_FOUND, "Can not retrieve the role."))?;
    let actor = |actor: &RoleActor| match actor {
        RoleActor::Group(name) => json!({ "type": "atlassian-group-role-actor", "name": name,
            "actorGroup": { "name": name } }),
        // Cloud knows accounts by id alone, Data Center by name.
        RoleActor::Account(id) if caller.cloud => json!({ "type": "atlassian-user-role-actor",
            "displayName": "Somebody", "actorUser": { "accountId": id } }),
        RoleActor::Account(name) => json!({ "type": "atlassian-user-role-actor", "name": name }),
    };
    Ok(Json(json!({ "name": name, "id": role, "actors": actors.iter().map(actor).collect::<Vec<_>>() })))
}
