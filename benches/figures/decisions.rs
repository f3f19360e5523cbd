//! Events a second through the dispatcher, from a full queue to the last decision committed; beside
//! the same rows put bare into the same tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use broker::embedded::{Queue, QueueLimits};
use broker::wake::WakeUps;
use dispatcher::decide::routing::Routing;
use dispatcher::links::Trackers;
use dispatcher::rules::load_texts;
use dispatcher::{Dispatcher, GateKey, Settings, WebhookReading};
use futures_util::future::try_join_all;
use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::run::RepositorySetup;
use schemas::trace::TraceContext;
use schemas::{Clock, ConnectionName, Delivery, DeliveryId, SystemClock, WebhookName};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use store::{Address, Store};
use telemetry::metrics::Meters;
use tokio_util::sync::CancellationToken;

use crate::deliveries::{Deliveries, FIRST};
use crate::spread::median;
use crate::table::{Figure, Table, Target};

pub const EVENTS: u64 = 10_000;
const ROUNDS: usize = 3;
const CANDIDATES: usize = 5;
const LABEL: &str = "agent:fix";
/// As the dispatcher commits: this many deliveries with all that belongs to them.
const BATCH: u64 = 256;
/// Where the rows of decided events are.
const TABLES: [&str; 4] = ["deliveries", "delivery_keys", "events", "decisions"];

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let deliveries = Deliveries::new(LABEL, SystemClock::new().now())?;
    let (mut measured, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let database = Address::Sqlite(folder.path().join("store.db"));
        let decided = rate(decided(folder.path(), &database, &deliveries, FIRST).await?);
        let bare = rate(bare(folder.path()).await?);
        println!("  {EVENTS} events, {CANDIDATES} decisions each: {decided:.0}/s, rows alone {bare:.0}/s");
        measured.push(decided);
        floors.push(bare);
    }
    table.add(Figure {
        name: format!("events through the dispatcher, {CANDIDATES} decisions each"),
        unit: "/s",
        measured: median(measured),
        floor: Some(median(floors)),
        target: Target::None,
    });
    Ok(())
}

/// Events a second.
pub fn rate(time: Duration) -> f64 {
    EVENTS as f64 / time.as_secs_f64()
}

/// How long a dispatcher on `database` takes for a queue full of events that no automation wants; the
/// queue is in `folder`.
pub async fn decided(
    folder: &Path,
    database: &Address,
    deliveries: &Deliveries,
    first: u64,
) -> anyhow::Result<Duration> {
    let queue = Queue::open(&folder.join("queue.db"), QueueLimits::default()).await?;
    let store = Store::open(database).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let publisher = queue.publisher();
    let all: Vec<Delivery> =
        (first..first + EVENTS).map(|number| delivery(deliveries, number, &*clock)).collect();
    try_join_all(all.into_iter().map(|delivery| publisher.publish(delivery))).await?;
    let dispatcher = Dispatcher::new(
        settings()?,
        store.clone(),
        BTreeMap::new(),
        Arc::clone(&clock),
        WakeUps::default(),
        publisher,
        Meters::global(),
    );
    dispatcher.activate(load_texts([("all.yaml".to_owned(), automations())].into())?).await?;

    let stop = CancellationToken::new();
    let start = clock.monotonic();
    let drained = async {
        while queue.depth().rows > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
        clock.monotonic() - start
    };
    let (_, time) = tokio::join!(dispatcher.consume(queue.consumer()?, stop.clone()), drained);
    store.close().await?;
    queue.close().await;
    Ok(time)
}

/// A delivery as ingress stores it.
pub fn delivery(deliveries: &Deliveries, number: u64, clock: &dyn Clock) -> Delivery {
    stored(number, Body::compress(&deliveries.body(number, "reporter")), clock)
}

/// A delivery with this body.
pub fn stored(number: u64, body: Body, clock: &dyn Clock) -> Delivery {
    let guid = number.to_string();
    let headers =
        [("x-github-event", "issues"), ("x-github-delivery", &guid), ("content-type", "application/json")];
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: WebhookName::from("github"),
        received_at: clock.now(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body,
        trace: TraceContext::default(),
        replay_of: None,
    }
}

fn settings() -> anyhow::Result<Settings> {
    let reading = WebhookReading {
        kind: SourceKind::Github,
        connection: ConnectionName::from("github"),
        mapping: None,
    };
    Ok(Settings {
        name: "figures".to_owned(),
        webhooks: [(WebhookName::from("github"), reading)].into(),
        routing: Routing::default(),
        directories: BTreeMap::new(),
        repository_setup: Box::new(|_| RepositorySetup::default()),
        trackers: Trackers::default(),
        automations: None,
        lease: Duration::from_secs(60),
        lost_retries: 1,
        settle: Vec::new(),
        writes_at_once: 8,
        artifacts: artifacts::Artifacts::in_memory(),
        gate_key: GateKey::new("figures").context("no key")?,
        gate_url: "http://127.0.0.1".to_owned(),
        commit_author: ("Pullwright".to_owned(), "pullwright@localhost".to_owned()),
    })
}

/// Automations that all listen to the label, and whose condition does not hold.
pub fn automations() -> String {
    let each = (0..CANDIDATES).map(|number| {
        format!(
            "  - name: fix-{number}
    on: [{{ source: github, event: issue.labeled, label_command: '{LABEL}' }}]
    if: event.item.title.contains('nothing of the kind')
    run: {{ commands: ['make fix'] }}
    output: {{ pull_request: {{}} }}
"
        )
    });
    format!("version: 1\nautomations:\n{}", each.collect::<String>())
}

/// How long the same rows take from one file into the empty tables of another, with the same
/// durability, a transaction for as many deliveries.
async fn bare(folder: &Path) -> anyhow::Result<Duration> {
    let copy = folder.join("bare.db");
    Store::open_sqlite(&copy).await?.close().await?;
    let mut connection = SqliteConnectOptions::new()
        .filename(&copy)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await?;
    let attach = format!("ATTACH '{}' AS decided", folder.join("store.db").display());
    sqlx::query(AssertSqlSafe(attach)).execute(&mut connection).await?;
    let mut sizes = Vec::new();
    for table in TABLES {
        sizes.push((table, count(&mut connection, &format!("decided.{table}")).await?));
    }
    let clock = SystemClock::new();
    let start = clock.monotonic();
    let batches = EVENTS.div_ceil(BATCH);
    for batch in 0..batches {
        let mut transaction = connection.begin().await?;
        for (table, rows) in &sizes {
            let (first, last) = (rows * batch / batches, rows * (batch + 1) / batches);
            let insert = format!(
                "INSERT INTO main.{table} SELECT * FROM decided.{table} WHERE rowid > {first} AND rowid <= {last}"
            );
            sqlx::query(AssertSqlSafe(insert)).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    let time = clock.monotonic() - start;
    for (table, rows) in sizes {
        ensure!(count(&mut connection, &format!("main.{table}")).await? == rows, "{table}: rows are missing");
    }
    let decisions = EVENTS * CANDIDATES as u64;
    ensure!(count(&mut connection, "main.decisions").await? == decisions, "not every decision was written");
    connection.close().await?;
    Ok(time)
}

async fn count(connection: &mut SqliteConnection, table: &str) -> anyhow::Result<u64> {
    let row =
        sqlx::query(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(connection).await?;
    Ok(u64::try_from(row.try_get::<i64, _>(0)?)?)
}
