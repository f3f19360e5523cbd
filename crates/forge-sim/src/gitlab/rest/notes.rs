//! Notes and award emoji on issues and merge requests.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DEVELOPER, GUEST};
use crate::gitlab::answer::{ApiError, Input, Paging};
use crate::gitlab::auth::Caller;
use crate::gitlab::model::{Award, Note};
use crate::gitlab::quick_actions;

/// In characters (<https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics>).
const MAX_BODY: usize = 1_000_000;

/// The text of a note.
#[derive(Deserialize)]
pub(crate) struct Text {
    body: String,
    #[serde(default)]
    internal: bool,
}

/// How a list is sorted.
#[derive(Deserialize)]
pub(crate) struct Sort {
    sort: Option<String>,
}

/// The name of an emoji.
#[derive(Deserialize)]
pub(crate) struct Emoji {
    name: String,
}

type ItemPath = Path<(String, String, u64)>;
type NotePath = Path<(String, String, u64, u64)>;

pub(crate) async fn list(
    caller: Caller,
    Path((project, kind, iid)): ItemPath,
    Query(sort): Query<Sort>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut state = caller.state();
    let item = caller.item(&mut state, &project, &kind, iid, 0)?.clone();
    let render = caller.render(&state);
    let shown = item.notes.iter().filter(|note| caller.shows(note.born));
    let mut all: Vec<Value> = shown.map(|note| render.note(&item, note)).collect();
    // The newest come first unless asked otherwise.
    if sort.sort.as_deref() != Some("asc") {
        all.reverse();
    }
    Ok(paging.cut(&caller.world.url, &uri, all))
}

pub(crate) async fn create(
    caller: Caller,
    Path((project, kind, iid)): ItemPath,
    Input(text): Input<Text>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let internal = text.internal;
    let body = checked(text)?;
    let (born, at) = (caller.world.clock.monotonic(), caller.world.now());
    let mut state = caller.state();
    let id = state.fresh_id();
    let item = caller.item(&mut state, &project, &kind, iid, GUEST)?;
    let body = quick_actions::carry_out(item, &body);
    if body.trim().is_empty() {
        let done = json!({ "commands_changes": {}, "summary": ["Commands applied"] });
        return Ok((StatusCode::ACCEPTED, Json(done)));
    }
    let note = Note {
        id,
        author: caller.user.id,
        body,
        system: false,
        internal,
        awards: Vec::new(),
        created_at: at,
        updated_at: at,
        born,
    };
    item.notes.push(note.clone());
    let item = item.clone();
    Ok((StatusCode::CREATED, Json(caller.render(&state).note(&item, &note))))
}

pub(crate) async fn get(
    caller: Caller,
    Path((project, kind, iid, note)): NotePath,
) -> Result<Json<Value>, ApiError> {
    let mut state = caller.state();
    let item = caller.item(&mut state, &project, &kind, iid, 0)?.clone();
    let note = item.notes.iter().find(|n| n.id == note).ok_or_else(|| ApiError::not_found("Note"))?;
    Ok(Json(caller.render(&state).note(&item, note)))
}

pub(crate) async fn update(
    caller: Caller,
    Path((project, kind, iid, note)): NotePath,
    Input(text): Input<Text>,
) -> Result<Json<Value>, ApiError> {
    let body = checked(text)?;
    {
        let at = caller.world.now();
        let mut state = caller.state();
        let maintains = caller.enter(&mut state, &project, 0)?.level(caller.user.id) >= 40;
        let item = caller.item(&mut state, &project, &kind, iid, GUEST)?;
        let body = quick_actions::carry_out(item, &body);
        let found = item.notes.iter_mut().find(|n| n.id == note);
        let found = found.ok_or_else(|| ApiError::not_found("Note"))?;
        if found.author != caller.user.id && !maintains {
            return Err(ApiError::forbidden());
        }
        found.body = body;
        found.updated_at = at;
    }
    get(caller, Path((project, kind, iid, note))).await
}

pub(crate) async fn remove(
    caller: Caller,
    Path((project, kind, iid, note)): NotePath,
) -> Result<StatusCode, ApiError> {
    let mut state = caller.state();
    let item = caller.item(&mut state, &project, &kind, iid, DEVELOPER)?;
    item.notes.retain(|n| n.id != note);
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn awards(
    caller: Caller,
    Path((project, kind, iid)): ItemPath,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut state = caller.state();
    let item = caller.item(&mut state, &project, &kind, iid, 0)?.clone();
    let render = caller.render(&state);
    let all = item.awards.iter().map(|award| render.award(award, item.id)).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}

pub(crate) async fn award(
    caller: Caller,
    Path((project, kind, iid)): ItemPath,
    Input(emoji): Input<Emoji>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut state = caller.state();
    let id = state.fresh_id();
    let item = caller.item(&mut state, &project, &kind, iid, GUEST)?;
    let on = item.id;
    let award = show(&mut item.awards, id, caller.user.id, emoji)?;
    Ok((StatusCode::CREATED, Json(caller.render(&state).award(&award, on))))
}

pub(crate) async fn award_note(
    caller: Caller,
    Path((project, kind, iid, note)): NotePath,
    Input(emoji): Input<Emoji>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut state = caller.state();
    let id = state.fresh_id();
    let item = caller.item(&mut state, &project, &kind, iid, GUEST)?;
    let found = item.notes.iter_mut().find(|n| n.id == note).ok_or_else(|| ApiError::not_found("Note"))?;
    let award = show(&mut found.awards, id, caller.user.id, emoji)?;
    Ok((StatusCode::CREATED, Json(caller.render(&state).award(&award, note))))
}

/// Nobody shows one twice; the refusal is a 404 there.
fn show(awards: &mut Vec<Award>, id: u64, user: u64, Emoji { name }: Emoji) -> Result<Award, ApiError> {
    if awards.iter().any(|award| award.user == user && award.name == name) {
        return Err(ApiError::not_found("Award Emoji Name has already been taken"));
    }
    let award = Award { id, name, user };
    awards.push(award.clone());
    Ok(award)
}

fn checked(Text { body, .. }: Text) -> Result<String, ApiError> {
    if body.trim().is_empty() {
        return Err(ApiError::bad("400 Bad request - Note {:note=>[\"can't be blank\"]}"));
    }
    if body.chars().count() > MAX_BODY {
        return Err(ApiError::bad(
            "400 Bad request - Note {:note=>[\"is too long (maximum is 1000000 characters)\"]}",
        ));
    }
    Ok(body)
}
