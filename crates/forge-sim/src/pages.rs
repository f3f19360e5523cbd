//! Pages for people, so that printed addresses open in a browser.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::model::{Item, Repository};
use crate::world::World;

/// An issue or pull request with its comments, everything as text.
pub(crate) async fn item(
    State(world): State<Arc<World>>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Response {
    let model = world.model();
    let repo = model.repository(&owner, &name);
    match repo.and_then(|repo| repo.items.get(&number).map(|item| (repo, item))) {
        Some((repo, item)) => Html(page(repo, item)).into_response(),
        None => (StatusCode::NOT_FOUND, Html("<h1>404</h1><p>Not found.</p>")).into_response(),
    }
}

/// The issues and pull requests of a repository.
pub(crate) async fn repository(
    State(world): State<Arc<World>>,
    Path((owner, name)): Path<(String, String)>,
) -> Response {
    let model = world.model();
    let Some(repo) = model.repository(&owner, &name) else {
        return (StatusCode::NOT_FOUND, Html("<h1>404</h1><p>Not found.</p>")).into_response();
    };
    let full = escape(&repo.full_name());
    let mut html = head(&repo.full_name());
    push(&mut html, format_args!("<h1>{full}</h1><ul>"));
    for item in repo.items.values().rev() {
        let kind = if item.pull.is_some() { "pull" } else { "issues" };
        let (number, title) = (item.number, escape(&item.title));
        push(&mut html, format_args!("<li><a href=\"/{full}/{kind}/{number}\">#{number} {title}</a>"));
        push(&mut html, format_args!(" <small>{} ({})</small></li>", kind, escape(&item.state)));
    }
    html.push_str("</ul>");
    Html(html).into_response()
}

fn page(repo: &Repository, item: &Item) -> String {
    let mut html = head(&item.title);
    let (full, title) = (escape(&repo.full_name()), escape(&item.title));
    push(&mut html, format_args!("<p><a href=\"/{full}\">{full}</a></p><h1>{title} #{}</h1>", item.number));
    push(&mut html, format_args!("<p>{} · opened by {}", escape(&item.state), escape(&item.author)));
    if let Some(pull) = &item.pull {
        let draft = if pull.draft { "draft, " } else { "" };
        let (head, base) = (escape(&pull.head), escape(&pull.base));
        push(&mut html, format_args!(" · {draft}<code>{head}</code> into <code>{base}</code>"));
    }
    html.push_str("</p><p>");
    for label in &item.labels {
        push(&mut html, format_args!("<mark>{}</mark> ", escape(label)));
    }
    push(&mut html, format_args!("</p><pre>{}</pre>", escape(item.body.as_deref().unwrap_or_default())));
    for comment in &item.comments {
        let (id, author, at) = (comment.id, escape(&comment.author), comment.updated_at);
        push(&mut html, format_args!("<section id=\"issuecomment-{id}\"><p>{author} · {at}</p>"));
        push(&mut html, format_args!("<pre>{}</pre></section>", escape(&comment.body)));
    }
    let head = item.pull.as_ref().map(|p| p.head_sha.as_str());
    for status in repo.statuses.iter().filter(|s| Some(s.sha.as_str()) == head) {
        let (context, state) = (escape(&status.context), escape(&status.state));
        push(&mut html, format_args!("<p>status <code>{context}</code>: {state}</p>"));
    }
    for run in repo.check_runs.iter().filter(|r| Some(r.head_sha.as_str()) == head) {
        let state = escape(run.conclusion.as_deref().unwrap_or(&run.status));
        push(&mut html, format_args!("<p>check <code>{}</code>: {state}</p>", escape(&run.name)));
    }
    html
}

fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{title} · forge-sim</title>\
         <style>body{{font:16px system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}}\
         pre{{white-space:pre-wrap;border:1px solid #ccc;padding:.6rem}}</style>"
    )
}

fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = html.write_fmt(text);
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
