//! The same with a million deliveries and a hundred thousand runs stored: decisions, and pages of lists.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use dispatcher::rules::load_texts;
use indicatif::ProgressBar;
use schemas::automation::Automation;
use schemas::decision::Verdict;
use schemas::delivery::Body;
use schemas::event::{Actor, ActorKind, EventType, Item, Repository, SourceKind};
use schemas::run::{Outcome, Reason, RepositorySetup, RunInput, RunState};
use schemas::{
    Clock, ConnectionName, Decision, Event, RepoRef, Run, RunId, SystemClock, Untrusted, WorkItem,
};
use serde_json::Value;
use store::{Address, DeliveryStatus, NewDelivery, Store};

use crate::decisions;
use crate::deliveries::{Deliveries, FIRST};
use crate::forge::Forge;
use crate::servers::Server;
use crate::site::{Site, Up};
use crate::spread::{Spread, median, millis};
use crate::table::{Figure, Table, Target};

const DELIVERIES: u64 = 1_000_000;
/// Every tenth has a run.
const RUN_EVERY: u64 = 10;
const ISSUES: u64 = 50_000;
const BATCH: u64 = 500;
const ROUNDS: u64 = 3;
const PAGES: usize = 200;
const LABEL: &str = "agent:fix";

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let forge = Forge::start().await?;
    let (site, folder) = (Site::new(&forge, LABEL, "true", "")?, tempfile::tempdir()?);
    std::fs::create_dir_all(site.data_dir())?;
    let [full, empty] = [site.data_dir(), folder.path().to_owned()].map(|data| data.join("store.db"));
    Place { name: "SQLite", full: Address::Sqlite(full), empty: Address::Sqlite(empty), site }
        .measure(table)
        .await?;
    let Some(server) = Server::postgres().await? else {
        println!("  not measured on PostgreSQL: it is not installed");
        return Ok(());
    };
    let (full, empty) = (server.database("full_one").await?, server.database("empty_one").await?);
    let site = Site::new(&forge, LABEL, "true", "")?.on(&full);
    Place { name: "PostgreSQL", full: Address::Postgres(full), empty: Address::Postgres(empty), site }
        .measure(table)
        .await
}

/// A database with so many stored and one with none, and a site on the first.
struct Place {
    name: &'static str,
    full: Address,
    empty: Address,
    site: Site,
}

impl Place {
    async fn measure(&self, table: &mut Table) -> anyhow::Result<()> {
        let name = self.name;
        let clock = SystemClock::new();
        fill(&self.full).await?;
        println!("  {name}: filled in {:.0} s", clock.monotonic().as_secs_f64());
        let deliveries = Deliveries::new(LABEL, clock.now())?;
        let (mut measured, mut floors) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let first = FIRST + round * decisions::EVENTS;
            for (database, rates) in [(&self.empty, &mut floors), (&self.full, &mut measured)] {
                let queue = tempfile::tempdir()?;
                let time = decisions::decided(queue.path(), database, &deliveries, first).await?;
                rates.push(decisions::rate(time));
            }
        }
        println!("  {name}: events/s beside them {measured:.0?}, beside none {floors:.0?}");
        table.add(Figure {
            name: format!("events through the dispatcher, beside 1,000,000 in {name}"),
            unit: "/s",
            measured: median(measured),
            floor: Some(median(floors)),
            target: Target::AtLeastOfFloor(0.9),
        });
        let up = self.site.start().await?;
        println!("  {name}: ready {} after the start", millis(up.ready_after));
        for list in ["deliveries", "runs"] {
            let times = pages(&up, list).await?;
            println!("  {name}: pages of {list}: {times}");
            let measured = times.at(99).as_secs_f64() * 1e3;
            let name = format!("a page of 50 {list} of so many in {name}, p99");
            table.add(Figure { name, unit: "ms", measured, floor: None, target: Target::AtMost(50.0) });
        }
        up.stop().await
    }
}

/// Pages one after the other, as a person goes back in time, and the first one again and again.
async fn pages(up: &Up, list: &str) -> anyhow::Result<Spread> {
    let clock = SystemClock::new();
    let (mut times, mut before) = (Vec::new(), String::new());
    for page in 0..PAGES {
        let start = clock.monotonic();
        let rows: Value = up.api(&format!("{list}?limit=50{before}")).await?;
        times.push(clock.monotonic() - start);
        ensure!(rows["items"].as_array().is_some_and(|items| items.len() == 50), "a page is short");
        let next = rows["next"].as_str().context("the list ends")?;
        before = if page % 10 == 9 { String::new() } else { format!("&before={next}") };
    }
    Ok(times.into_iter().collect())
}

async fn fill(database: &Address) -> anyhow::Result<()> {
    let store = Store::open(database).await?;
    let clock = SystemClock::new();
    let set = load_texts([("all.yaml".to_owned(), decisions::automations())].into())?;
    let automation = set.rules().first().context("no automation")?.automation.clone();
    let progress = ProgressBar::new(DELIVERIES);
    for start in (0..DELIVERIES).step_by(usize::try_from(BATCH)?) {
        let now = clock.now();
        let rows: Vec<NewDelivery> =
            (start..start + BATCH).map(|number| row(number, &clock)).collect::<anyhow::Result<_>>()?;
        let events: Vec<Event> = rows.iter().filter_map(|row| row.event.clone()).collect();
        let decided = events.iter().map(|event| Decision {
            delivery: event.id,
            automation: automation.name.clone(),
            verdict: Verdict::NotMatched {
                clause: "labels".to_owned(),
                wants: "any of bug".to_owned(),
                value: "none".to_owned(),
            },
        });
        let runs = events.iter().step_by(usize::try_from(RUN_EVERY)?);
        let runs: Vec<Run> =
            runs.map(|event| run(&automation, event, &clock, now)).collect::<anyhow::Result<_>>()?;
        let tx = store.begin().await?;
        tx.insert_deliveries(&rows, now).await?;
        tx.insert_decisions(&decided.collect::<Vec<_>>()).await?;
        tx.insert_runs(&runs).await?;
        tx.commit().await?;
        progress.inc(BATCH);
    }
    progress.finish_and_clear();
    store.close().await?;
    Ok(())
}

fn repository() -> anyhow::Result<RepoRef> {
    Ok(RepoRef::new(&ConnectionName::from("github"), "acme/demo")?)
}

fn row(number: u64, clock: &SystemClock) -> anyhow::Result<NewDelivery> {
    let body = Body::compress(format!("{{\"action\":\"labeled\",\"number\":{number}}}").as_bytes());
    let delivery = decisions::stored(number, body, clock);
    let issue = number % ISSUES;
    let event = Event {
        time: Some(delivery.received_at),
        work_item: Some(WorkItem(format!("github:acme/demo#{issue}"))),
        repository: Some(Repository { name: repository()?, default_branch: Some("main".to_owned()) }),
        actor: Some(Actor { id: "1".to_owned(), login: "ana".to_owned(), kind: ActorKind::Human }),
        item: Some(Item {
            key: issue.to_string(),
            title: Untrusted::from("It fails without a name"),
            body: Untrusted::from("The request fails."),
            ..Item::default()
        }),
        ..Event::new(delivery.id, SourceKind::Github, ConnectionName::from("github"), EventType::IssueLabeled)
    };
    Ok(NewDelivery {
        delivery,
        status: DeliveryStatus::Decided,
        duplicate_of: None,
        error: None,
        rule_set: None,
        event: Some(event),
        keys: vec![format!("id:github:{number}"), format!("body:{number}")],
    })
}

fn run(
    automation: &Automation,
    event: &Event,
    clock: &SystemClock,
    now: DateTime<Utc>,
) -> anyhow::Result<Run> {
    let input =
        RunInput { automation: automation.clone(), event: event.clone(), setup: RepositorySetup::default() };
    let item = event.work_item.clone().context("no work item")?;
    let mut run = Run::new(RunId::fresh(clock), input, item, repository()?, "pullwright/fix".to_owned(), now);
    run.state = RunState::Done { outcome: Outcome::Succeeded, reason: Reason::Published };
    Ok(run)
}
