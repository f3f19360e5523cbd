//! How many durable publishes per second, next to the floor: bare multi-row inserts with the same
//! settings and nothing around them.
//!
//! `cargo run --release -p broker --example publish_rate [publishers] [seconds] [folder]`

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker::{Consumer, Queue, QueueLimits, wire};
use schemas::clock::SystemClock;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

const BODY: usize = 12_000;

type Failure = Box<dyn std::error::Error>;

fn argument<T: FromStr>(place: usize, otherwise: T) -> T {
    std::env::args().nth(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Twelve kilobytes that compress about as well as a webhook's JSON does.
fn body(clock: &SystemClock, compressible: bool) -> Body {
    let mut raw = Vec::with_capacity(BODY + 200);
    while raw.len() < BODY {
        let noise = clock.secret_bytes();
        if compressible {
            let text = format!(
                "\"events_url\":\"https://api.github.com/users/octocat/events{{/privacy}}\",\"id\":{},\"node\":\"{:02x?}\",\"site_admin\":false,",
                noise[0],
                &noise[1..4]
            );
            raw.extend_from_slice(text.as_bytes());
        } else {
            raw.extend_from_slice(&noise);
        }
    }
    raw.truncate(BODY);
    Body::compress(&raw)
}

fn delivery(clock: &SystemClock, body: &Body) -> Delivery {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: "github".into(),
        received_at: clock.now(),
        headers: [
            header("x-github-event", "issues"),
            header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            header("content-type", "application/json"),
        ]
        .into(),
        body: body.clone(),
        trace: TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        replay_of: None,
    }
}

/// Publishes for `time`, with a consumer that acks on the side when asked for; publishes per second.
async fn queue(
    path: PathBuf,
    body: Body,
    publishers: u64,
    time: Duration,
    consume: bool,
) -> Result<f64, Failure> {
    let queue = Queue::open(&path, QueueLimits { max_bytes: 64 << 30, ..QueueLimits::default() }).await?;
    let clock = Arc::new(SystemClock::new());
    let count = Arc::new(AtomicU64::new(0));
    let consumer = consume.then(|| queue.consumer()).transpose()?.map(|mut consumer| {
        tokio::spawn(async move {
            while let Ok(batch) = consumer.next(256).await {
                if let Some(last) = batch.last() {
                    let _ = consumer.ack(last.position).await;
                }
            }
        })
    });
    let start = clock.monotonic();
    let mut tasks = Vec::new();
    for _ in 0..publishers {
        let (publisher, clock) = (queue.publisher(), Arc::clone(&clock));
        let (body, count) = (body.clone(), Arc::clone(&count));
        tasks.push(tokio::spawn(async move {
            while clock.monotonic() - start < time {
                publisher.publish(delivery(&clock, &body)).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, broker::PublishError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let took = clock.monotonic() - start;
    queue.close().await;
    if let Some(consumer) = consumer {
        consumer.await?;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / took.as_secs_f64())
}

/// The floor: one connection, `rows` rows a statement; rows per second.
async fn floor(path: &Path, body: Body, rows: usize, time: Duration) -> Result<f64, Failure> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(16 * 1024)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql("CREATE TABLE delivery (position INTEGER PRIMARY KEY, received_at INTEGER, message BLOB)")
        .execute(&mut connection)
        .await?;
    let clock = SystemClock::new();
    let message = wire::encode(delivery(&clock, &body))?;
    let values = vec!["(?, ?)"; rows].join(", ");
    let sql = format!("INSERT INTO delivery (received_at, message) VALUES {values}");
    let start = clock.monotonic();
    let mut count = 0;
    while clock.monotonic() - start < time {
        let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
        for _ in 0..rows {
            query = query.bind(0i64).bind(message.as_slice());
        }
        query.execute(&mut connection).await?;
        count += rows;
    }
    let took = clock.monotonic() - start;
    connection.close().await?;
    Ok(count as f64 / took.as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let publishers: u64 = argument(1, 32);
    let time = Duration::from_secs(argument(2, 5));
    let base: PathBuf = argument(3, std::env::temp_dir());
    for compressible in [true, false] {
        let clock = SystemClock::new();
        let body = body(&clock, compressible);
        println!("body {BODY} bytes, {} stored; {publishers} publishers", body.as_stored().len());
        for consume in [false, true] {
            let folder = tempfile::tempdir_in(&base)?;
            let rows = usize::try_from(publishers)?.min(256);
            let floor = floor(&folder.path().join("floor.db"), body.clone(), rows, time).await?;
            let rate = queue(folder.path().join("queue.db"), body.clone(), publishers, time, consume).await?;
            let beside = if consume { "with a consumer" } else { "alone" };
            println!("  floor {floor:.0}/s   queue {beside} {rate:.0}/s   ratio {:.2}", rate / floor);
        }
    }
    Ok(())
}
