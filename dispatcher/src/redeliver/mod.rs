//! What arrived nowhere while we were down: forges that keep their deliveries are asked for those
//! that nobody accepted; hooks that a forge switched off are named.
//!
//! GitHub makes no second attempt by itself, and lets one be asked for within three days
//! (<https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries>).

mod ledger;
mod problems;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use forge::deliveries::{Hook, HookSource};
use forge::{Forge, ForgeError, HookDeliveries};
use schemas::event::SourceKind;
use schemas::{ConnectionName, RepoRef, WebhookName};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Dispatcher;

use ledger::Ledger;
pub(crate) use problems::HookProblems;
use problems::Problems;

/// How often forges are asked.
const ROUND: Duration = Duration::from_secs(15 * 60);
/// Deliveries that one round asks for, at the most, of one connection.
const AT_ONCE: usize = 250;
/// Events that are looked at for repositories.
const RECENT_EVENTS: u64 = 10_000;
/// Pages of attempts (100 each) that one look at a hook reads.
const PAGES: usize = 2_000;

/// What was seen of every hook's deliveries so far.
#[derive(Default)]
pub struct HookLooks {
    ledgers: HashMap<(ConnectionName, HookSource), Ledger>,
}

/// One delivery to ask for.
struct Wanted {
    source: HookSource,
    key: String,
    guid: String,
    delivery: u64,
    order: (u32, DateTime<Utc>),
}

impl Dispatcher {
    /// Asks for missed deliveries at once and then every 15 minutes, until `stop`.
    ///
    /// The hooks of `named` repositories are looked at, of those that an automation names, and of
    /// those that recent events came from. An App's hook is one for all.
    pub async fn redeliver(&self, named: Vec<RepoRef>, stop: CancellationToken) {
        let mut looks = HookLooks::default();
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => {}
            }
            let repositories = self.hooked(&named).await;
            if stop.run_until_cancelled(self.redeliver_once(&mut looks, &repositories)).await.is_none() {
                return;
            }
        }
    }

    async fn hooked(&self, named: &[RepoRef]) -> Vec<RepoRef> {
        let mut hooked: BTreeSet<RepoRef> = named.iter().cloned().collect();
        for rule in self.rules().rules() {
            hooked.extend(rule.automation.run.repo.clone());
            hooked.extend(rule.automation.repos.iter().filter_map(|pattern| pattern.parse().ok()));
        }
        match self.store.recent_repositories(RECENT_EVENTS).await {
            Ok(recent) => hooked.extend(recent),
            Err(error) => tracing::error!(%error, "the repositories of recent events are not known"),
        }
        hooked.into_iter().collect()
    }

    /// Looks at every hook once and asks for what was missed; the number of deliveries asked for.
    pub async fn redeliver_once(&self, looks: &mut HookLooks, repositories: &[RepoRef]) -> usize {
        let mut asked = 0;
        for (connection, forge) in &self.forges {
            let here: BTreeSet<&RepoRef> =
                repositories.iter().filter(|repo| repo.connection == *connection).collect();
            let mut problems = Problems::default();
            if let Some(hooks) = forge.hook_deliveries() {
                let names = self.webhooks_of(connection, |kind| kind == SourceKind::Github);
                let missed = self.missed(connection, hooks, &names, &here, looks, &mut problems).await;
                let count = ask(connection, hooks, missed, looks, &mut problems).await;
                if count > 0 {
                    tracing::info!(%connection, count, "missed deliveries asked for again");
                }
                asked += count;
            } else {
                let names = self.webhooks_of(connection, |_| true);
                switched_off(&**forge, &names, &here, &mut problems).await;
            }
            self.hook_problems.note(connection, problems.sentences());
        }
        asked
    }

    /// Why deliveries may not arrive or cannot be asked for, a sentence each, as of the last look;
    /// for `/readyz`.
    #[must_use]
    pub fn hook_problems(&self) -> Vec<(ConnectionName, String)> {
        self.hook_problems.all()
    }

    fn webhooks_of(
        &self,
        connection: &ConnectionName,
        wanted: impl Fn(SourceKind) -> bool,
    ) -> Vec<WebhookName> {
        let webhooks = self.settings.webhooks.iter();
        let here = webhooks.filter(|(_, read)| read.connection == *connection && wanted(read.kind));
        here.map(|(name, _)| name.clone()).collect()
    }

    /// What nobody accepted and is not stored, the least often asked for and oldest first.
    async fn missed(
        &self,
        connection: &ConnectionName,
        forge: &dyn HookDeliveries,
        names: &[WebhookName],
        repositories: &BTreeSet<&RepoRef>,
        looks: &mut HookLooks,
        problems: &mut Problems,
    ) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        let mut keys = HashSet::new();
        for (hook, name) in hooks(connection, forge, names, repositories, problems).await {
            let place = (connection.clone(), hook.source.clone());
            let ledger = looks.ledgers.entry(place).or_default();
            if let Err(error) = self.look_at_hook(forge, &hook.source, ledger).await {
                problems.add(&subject(connection, &hook.source), &error);
                continue;
            }
            let key = |guid: &String| format!("id:{name}:{guid}");
            let all: Vec<String> = ledger.missed.keys().map(key).collect();
            match self.store.known_keys(&all).await {
                // It was stored, and the answer got lost on its way.
                Ok(known) => ledger.missed.retain(|guid, _| !known.contains_key(&key(guid))),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "what is stored cannot be read; missed deliveries are asked for later"
                    );
                    return Vec::new();
                }
            }
            for (guid, missed) in &ledger.missed {
                // Two hooks may lead to one webhook; one of them is enough.
                if keys.insert(key(guid)) {
                    let (source, delivery) = (hook.source.clone(), missed.newest.id);
                    let order = (missed.asked, missed.since);
                    wanted.push(Wanted { source, key: key(guid), guid: guid.clone(), delivery, order });
                }
            }
        }
        wanted.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
        wanted.truncate(AT_ONCE);
        wanted
    }

    async fn look_at_hook(
        &self,
        forge: &dyn HookDeliveries,
        hook: &HookSource,
        ledger: &mut Ledger,
    ) -> Result<(), ForgeError> {
        let now = self.clock.now();
        let horizon = ledger.horizon(now);
        let (mut attempts, mut after) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = forge.deliveries(hook, after.as_ref()).await?;
            let whole = page.attempts.iter().all(|attempt| attempt.at >= horizon);
            attempts.extend(page.attempts.into_iter().filter(|attempt| attempt.at >= horizon));
            match page.next.filter(|_| whole) {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        ledger.enter(attempts, now);
        Ok(())
    }
}

/// The hooks that lead to our webhooks, with the webhook's name.
async fn hooks<'a>(
    connection: &ConnectionName,
    forge: &dyn HookDeliveries,
    names: &'a [WebhookName],
    repositories: &BTreeSet<&RepoRef>,
    problems: &mut Problems,
) -> Vec<(Hook, &'a WebhookName)> {
    let mut found: Vec<Hook> = Vec::new();
    if names.is_empty() {
        return Vec::new();
    }
    if forge.is_app() {
        match forge.app_hook().await {
            Ok(hook) => found.extend(hook),
            Err(error) => problems.add(&subject(connection, &HookSource::App), &error),
        }
    } else {
        for repo in repositories {
            match forge.repository_hooks(repo).await {
                Ok(hooks) => found.extend(hooks),
                Err(error) => {
                    problems.add(&repo.to_string(), &error);
                    if concerns_all(&error) {
                        break;
                    }
                }
            }
        }
    }
    let ours = found.into_iter().filter_map(|hook| {
        let name = hook.webhook(names)?;
        Some((hook, name))
    });
    ours.collect()
}

/// Asks for each delivery once; how many were asked for.
async fn ask(
    connection: &ConnectionName,
    forge: &dyn HookDeliveries,
    wanted: Vec<Wanted>,
    looks: &mut HookLooks,
    problems: &mut Problems,
) -> usize {
    let mut asked = 0;
    for Wanted { source, guid, delivery, .. } in wanted {
        let result = forge.redeliver(&source, delivery).await;
        let Some(ledger) = looks.ledgers.get_mut(&(connection.clone(), source.clone())) else { continue };
        match result {
            // Where it is unclear the next look shows what came of it.
            Ok(()) | Err(ForgeError::Unclear { .. }) => {
                asked += 1;
                if let Some(missed) = ledger.missed.get_mut(&guid) {
                    missed.asked += 1;
                }
            }
            // The forge no longer has it, or will not repeat it.
            Err(ForgeError::NotFound { .. } | ForgeError::Refused { .. }) => {
                tracing::warn!(%connection, delivery, guid, "a missed delivery cannot be had again");
                ledger.missed.remove(&guid);
            }
            Err(error) => {
                problems.add(&subject(connection, &source), &error);
                break;
            }
        }
    }
    asked
}

/// Names hooks that the forge switched off.
async fn switched_off(
    forge: &dyn Forge,
    names: &[WebhookName],
    repositories: &BTreeSet<&RepoRef>,
    problems: &mut Problems,
) {
    if names.is_empty() {
        return;
    }
    for repo in repositories {
        match forge.hook_problems(repo, names).await {
            Ok(sentences) => problems.found.extend(sentences),
            Err(error) => {
                problems.add(&repo.to_string(), &error);
                if concerns_all(&error) {
                    break;
                }
            }
        }
    }
}

/// Whether the next call would fail alike.
fn concerns_all(error: &ForgeError) -> bool {
    matches!(
        error,
        ForgeError::CredentialRefused | ForgeError::RateLimited { .. } | ForgeError::Unavailable { .. }
    )
}

fn subject(connection: &ConnectionName, source: &HookSource) -> String {
    match source {
        HookSource::App => format!("the App of the connection {connection}"),
        HookSource::Repository { repo, .. } => repo.to_string(),
    }
}
