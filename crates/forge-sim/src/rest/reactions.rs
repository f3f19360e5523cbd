//! Reactions on issues and comments.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::Value;

use super::Call;
use crate::answer::{ApiError, Input};
use crate::model::{Reaction, Repository};
use crate::render::REACTIONS;

/// The kind of reaction.
#[derive(Deserialize)]
pub(crate) struct Content {
    content: String,
}

/// What is reacted to.
#[derive(Clone, Copy)]
enum Target {
    Issue(u64),
    Comment(u64),
}

impl Target {
    fn list(self, repo: &mut Repository) -> Option<&mut Vec<Reaction>> {
        match self {
            Self::Issue(number) => repo.items.get_mut(&number).map(|i| &mut i.reactions),
            Self::Comment(id) => repo.comment_mut(id).map(|(_, c)| &mut c.reactions),
        }
    }
}

pub(crate) async fn of_issue(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result<Json<Value>, ApiError> {
    list(&call, &owner, &name, Target::Issue(number))
}

pub(crate) async fn of_comment(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
) -> Result<Json<Value>, ApiError> {
    list(&call, &owner, &name, Target::Comment(id))
}

pub(crate) async fn on_issue(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Input(content): Input<Content>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    add(&call, &owner, &name, Target::Issue(number), content)
}

pub(crate) async fn on_comment(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
    Input(content): Input<Content>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    add(&call, &owner, &name, Target::Comment(id), content)
}

fn list(call: &Call, owner: &str, name: &str, target: Target) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    let repo = call.enter(&mut model, (owner, name), Permission::Read)?;
    let all = target.list(repo).ok_or_else(ApiError::not_found)?.clone();
    let render = call.renderer(&model);
    Ok(Json(all.iter().map(|r| render.reaction(r)).collect()))
}

/// 201 for a new reaction, 200 when the caller has reacted so before.
fn add(
    call: &Call,
    owner: &str,
    name: &str,
    target: Target,
    Content { content }: Content,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if !REACTIONS.contains(&content.as_str()) {
        return Err(ApiError::invalid("Reaction", "content", "invalid", None));
    }
    let (now, login) = (call.world.now(), call.caller.login().to_owned());
    let mut model = call.model();
    let id = model.fresh_id();
    let repo = call.enter(&mut model, (owner, name), Permission::Read)?;
    let all = target.list(repo).ok_or_else(ApiError::not_found)?;
    let known = all.iter().find(|r| r.login == login && r.content == content).cloned();
    let (status, reaction) = match known {
        Some(reaction) => (StatusCode::OK, reaction),
        None => {
            let reaction = Reaction { id, login, content, created_at: now };
            all.push(reaction.clone());
            (StatusCode::CREATED, reaction)
        }
    };
    Ok((status, Json(call.renderer(&model).reaction(&reaction))))
}
