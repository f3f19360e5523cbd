//! Who we are: the token's user, or the App's bot account.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::{HeaderMap, header};
use octocrab::{FromResponse, Octocrab};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Access;
use super::call::Call;
use super::outcome::{self, Kind};
use super::route::Route;
use crate::{ForgeError, Identity};

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct App {
    slug: String,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

pub(super) async fn identity(call: &Call<'_>) -> Result<Identity, ForgeError> {
    match &call.github.access {
        Access::Token { api, .. } => {
            let (user, headers): (User, _) = with_headers(api, "/user").await?;
            let scopes = headers.get("x-oauth-scopes").and_then(|v| v.to_str().ok());
            let split = |list: &str| {
                list.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
            };
            Ok(Identity {
                id: user.id.to_string(),
                login: user.login,
                machine: user.kind == "Bot",
                // Fine-grained tokens have no scopes to tell.
                grants: scopes.map(split),
                clock: date(&headers),
            })
        }
        Access::App { installations, .. } => {
            let (app, headers): (App, _) = with_headers(&installations.app, "/app").await?;
            let login = format!("{}[bot]", app.slug);
            let what = format!("an installation of the App `{}`", app.slug);
            let any = installations.any().await?.ok_or(ForgeError::NotFound { what })?;
            // An App's own token may not ask for users, an installation's may.
            let route = Route::fixed("/users").with(&login)?;
            let user: User = call.get(&any, &route, &format!("the account `{login}`")).await?;
            let grants = app.permissions.iter().map(|(name, level)| format!("{name}:{level}")).collect();
            Ok(Identity {
                id: user.id.to_string(),
                login,
                machine: true,
                grants: Some(grants),
                clock: date(&headers),
            })
        }
    }
}

/// Our login, asked for once.
pub(super) async fn login<'a>(call: &Call<'a>) -> Result<&'a str, ForgeError> {
    let login = call.github.login.get_or_try_init(|| async {
        match &call.github.access {
            Access::Token { api, .. } => {
                let user: User = call.get(api, &Route::fixed("/user"), "our account").await?;
                Ok(user.login)
            }
            Access::App { installations, .. } => {
                let app: App = call.get(&installations.app, &Route::fixed("/app"), "the App").await?;
                Ok(format!("{}[bot]", app.slug))
            }
        }
    });
    login.await.map(String::as_str)
}

async fn with_headers<T: DeserializeOwned>(api: &Octocrab, path: &str) -> Result<(T, HeaderMap), ForgeError> {
    let read = |error| outcome::of(error, Kind::Read, "our account");
    let response = api._get(path).await.map_err(read)?;
    let response = octocrab::map_github_error(response).await.map_err(read)?;
    let headers = response.headers().clone();
    Ok((T::from_response(response).await.map_err(read)?, headers))
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc())
}
