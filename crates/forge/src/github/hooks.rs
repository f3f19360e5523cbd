//! Webhooks and their deliveries: a repository's with any credential that may see them, the App's
//! with its JSON Web Token. <https://docs.github.com/en/rest/repos/webhooks>,
//! <https://docs.github.com/en/rest/apps/webhooks>.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use octocrab::{Octocrab, Page};
use schemas::RepoRef;
use serde::Deserialize;

use super::call::Call;
use super::outcome::{self, Kind};
use super::route::Route;
use super::{Access, GitHub};
use crate::ForgeError;
use crate::deliveries::{Attempt, Cursor, DeliveryPage, Hook, HookDeliveries, HookSource};

#[derive(Deserialize)]
struct Registered {
    id: u64,
    active: bool,
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    /// An App may be without.
    url: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    guid: String,
    delivered_at: DateTime<Utc>,
    status_code: u16,
}

impl From<Listed> for Attempt {
    fn from(listed: Listed) -> Self {
        let accepted = (200..300).contains(&listed.status_code);
        Self { id: listed.id, guid: listed.guid, at: listed.delivered_at, accepted }
    }
}

#[async_trait]
impl HookDeliveries for GitHub {
    fn is_app(&self) -> bool {
        self.app_id().is_some()
    }

    async fn app_hook(&self) -> Result<Option<Hook>, ForgeError> {
        let Access::App { installations, .. } = &self.access else { return Ok(None) };
        let call = Call::new(self);
        let route = Route::fixed("/app/hook/config");
        let config = call.limit(call.get::<Config>(&installations.app, &route, "the App's webhook"));
        match config.await {
            Ok(config) => {
                let url = config.url.filter(|url| !url.is_empty());
                Ok(url.map(|url| Hook { source: HookSource::App, url }))
            }
            Err(ForgeError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn repository_hooks(&self, repo: &RepoRef) -> Result<Vec<Hook>, ForgeError> {
        let call = Call::new(self);
        call.limit(async {
            let api = call.api(repo).await?;
            let route = Route::repo(repo)?.then("hooks");
            let found: Vec<Registered> = call.list(&api, &route, &hooks_of(repo)).await?;
            let active = found.into_iter().filter(|hook| hook.active);
            let hooks = active.filter_map(|hook| {
                let source = HookSource::Repository { repo: repo.clone(), id: hook.id };
                Some(Hook { source, url: hook.config.url? })
            });
            Ok(hooks.collect())
        })
        .await
    }

    async fn deliveries(
        &self,
        hook: &HookSource,
        after: Option<&Cursor>,
    ) -> Result<DeliveryPage, ForgeError> {
        let call = Call::new(self);
        call.limit(async {
            let mut route = deliveries(hook)?.query(&[("per_page", "100")]);
            if let Some(Cursor(cursor)) = after {
                route = route.query(&[("cursor", cursor)]);
            }
            let what = told(hook);
            let page = match &self.access {
                Access::App { installations, .. } if *hook == HookSource::App => {
                    page(&installations.app, &route, &what).await?
                }
                _ => page(&*repository_api(&call, hook).await?, &route, &what).await?,
            };
            Ok(DeliveryPage {
                next: page.next.as_ref().and_then(cursor),
                attempts: page.items.into_iter().map(Attempt::from).collect(),
            })
        })
        .await
    }

    async fn redeliver(&self, hook: &HookSource, delivery: u64) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(async {
            let route = deliveries(hook)?.number(delivery).then("attempts");
            let what = format!("delivery {delivery} of {}", told(hook));
            match &self.access {
                Access::App { installations, .. } if *hook == HookSource::App => {
                    call.accepted(&installations.app, &route, &what).await
                }
                _ => call.accepted(&*repository_api(&call, hook).await?, &route, &what).await,
            }
        })
        .await
    }
}

/// A client that may see the repository of a hook.
async fn repository_api(call: &Call<'_>, hook: &HookSource) -> Result<std::sync::Arc<Octocrab>, ForgeError> {
    match hook {
        HookSource::Repository { repo, .. } => call.api(repo).await,
        HookSource::App => Err(ForgeError::NotFound { what: "an App".to_owned() }),
    }
}

async fn page(api: &Octocrab, route: &Route, what: &str) -> Result<Page<Listed>, ForgeError> {
    api.get(route.as_str(), None::<&()>).await.map_err(|error| outcome::of(error, Kind::Read, what))
}

fn deliveries(hook: &HookSource) -> Result<Route, ForgeError> {
    Ok(match hook {
        HookSource::App => Route::fixed("/app/hook/deliveries"),
        HookSource::Repository { repo, id } => {
            Route::repo(repo)?.then("hooks").number(*id).then("deliveries")
        }
    })
}

fn told(hook: &HookSource) -> String {
    match hook {
        HookSource::App => "the App's webhook".to_owned(),
        HookSource::Repository { repo, id } => format!("webhook {id} of the repository {repo}"),
    }
}

fn hooks_of(repo: &RepoRef) -> String {
    format!("the list of webhooks of {repo}")
}

/// The cursor of a `Link` header's address. The rest of that address is the forge's word, and not
/// where a credential goes.
fn cursor(next: &http::Uri) -> Option<Cursor> {
    let value = next.query()?.split('&').find_map(|pair| pair.strip_prefix("cursor="))?;
    // Seen as `v1_12077215967`: nothing in it is encoded, and what is would not survive a round trip.
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (plain && !value.is_empty()).then(|| Cursor(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_taken_from_addresses() {
        for (uri, expected) in [
            ("https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_120", Some("v1_120")),
            ("https://evil.example/x?cursor=v1_1", Some("v1_1")),
            ("/app/hook/deliveries?cursor=", None),
            ("/app/hook/deliveries?cursor=a%26b", None),
            ("/app/hook/deliveries?xcursor=1", None),
            ("/app/hook/deliveries", None),
        ] {
            let found = cursor(&uri.parse().unwrap()).map(|c| c.0);
            assert_eq!(found.as_deref(), expected, "{uri}");
        }
    }
}
