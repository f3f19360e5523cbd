//! Runs a second that do nothing, from the first webhook to the last run finished and stored with its
//! decision: through ingress, RabbitMQ, dispatcher, PostgreSQL and the worker API, each a process of
//! its own; beside Celery on the same servers, whose tasks do nothing either.

use anyhow::{Context, ensure};
use schemas::{Clock, SystemClock};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::Duration;

use crate::apart::Apart;
use crate::celery::Celery;
use crate::deliveries::{BODY_BYTES, Deliveries, FIRST};
use crate::load;
use crate::process::{PATIENCE, Role};
use crate::servers::Server;
use crate::spread::median;
use crate::table::{Figure, Table, Target};

const RUNS: u64 = 2_000;
const ROUNDS: u64 = 3;
/// Of the worker: what does nothing takes no core.
const SLOTS: usize = 8;
const CONNECTIONS: usize = 16;
const LABEL: &str = "agent:fix";
/// How often the rows are counted, which takes the server half a millisecond.
const LOOK: Duration = Duration::from_millis(50);
/// `dry_run` makes no writes to the forge, which is not what is measured.
const AUTOMATION: &str = "version: 1
automations:
  - name: nothing
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    mode: dry_run
    run: { commands: ['true'] }
    output: { pull_request: {} }
";

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let (Some(node), Some(database)) = (Server::rabbitmq().await?, Server::postgres().await?) else {
        println!("  not measured: rabbitmq-server or postgresql is not installed");
        return Ok(());
    };
    let celery = Celery::install(&node, &database).await?;
    if let Err(because) = &celery {
        println!("  without its floor: Celery cannot be had: {because}");
    }
    let forge = Role::start("ready-answers", &[]).await?;
    let apart = Apart::start(forge.address, &node, &database, AUTOMATION).await?;
    let _worker = apart.idle_worker("one", SLOTS).await?;
    let mut rows = PgConnection::connect(&database.address).await?;
    let (mut measured, mut floors) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if let Ok(celery) = &celery {
            let rate = celery.rate(RUNS, BODY_BYTES).await?;
            println!("  {rate:>7.0}/s   Celery");
            floors.push(rate);
        }
        let rate = finished(&apart, &mut rows, round * RUNS).await?;
        println!("  {rate:>7.0}/s   webhooks to finished runs");
        measured.push(rate);
    }
    table.add(Figure {
        name: "runs that do nothing, webhook to finished".to_owned(),
        unit: "/s",
        measured: median(measured),
        floor: celery.is_ok().then(|| median(floors)),
        target: Target::AtLeastOfFloor(0.5),
    });
    Ok(())
}

/// Runs a second, of so many webhooks after `before`.
async fn finished(apart: &Apart, rows: &mut PgConnection, before: u64) -> anyhow::Result<f64> {
    let clock = SystemClock::new();
    let deliveries = Deliveries::new(LABEL, clock.now())?;
    let all = before + RUNS;
    let start = clock.monotonic();
    let numbers = FIRST + before..FIRST + all;
    let sending = load::send_all(apart.ingress, &deliveries, numbers, CONNECTIONS);
    let counting = async {
        while count(rows, "runs WHERE state = 'done'").await? < all {
            ensure!(clock.monotonic() - start < PATIENCE, "the runs do not come to their end");
            tokio::time::sleep(LOOK).await;
        }
        anyhow::Ok(clock.monotonic() - start)
    };
    let (sent, time) = tokio::join!(sending, counting);
    sent?;
    let time = time?;
    let ended = count(rows, "runs WHERE outcome = 'no_change'").await?;
    let decided = count(rows, "decisions WHERE verdict = 'matched'").await?;
    ensure!((ended, decided) == (all, all), "of {all} {ended} ended as they should, {decided} were decided");
    Ok(RUNS as f64 / time.as_secs_f64())
}

async fn count(rows: &mut PgConnection, which: &str) -> anyhow::Result<u64> {
    let count = format!("SELECT count(*) FROM {which}");
    let count: (i64,) = sqlx::query_as(AssertSqlSafe(count)).fetch_one(rows).await?;
    u64::try_from(count.0).context("a negative count")
}
