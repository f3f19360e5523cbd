//! Runs a second whose command is `true` in the sandbox, through all of `pullwright up`: webhook,
//! decision, claim, git through the gate, bubblewrap, the comparison of what it left, report. Beside
//! bare bubblewrap, started as many at once as the worker has slots, and beside the least of git and
//! bubblewrap that a run can be made of.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::{Clock, SystemClock};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::process::Command;

use crate::deliveries::{Deliveries, FIRST};
use crate::forge::Forge;
use crate::load;
use crate::process::PATIENCE;
use crate::sandbox::BARE;
use crate::site::{Site, Up};
use crate::spread::{Spread, median};
use crate::table::{Figure, Table, Target};

const RUNS: usize = 200;
const ROUNDS: usize = 3;
/// As many as a worker has by itself.
const SLOTS: usize = 2;
const LABEL: &str = "agent:fix";
/// How often the rows are counted.
const LOOK: Duration = Duration::from_millis(10);

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let forge = Forge::start().await?;
    // The person of the deliveries may write.
    forge.issue("reporter").await?;
    let folder = tempfile::tempdir()?;
    let mirror = folder.path().join("mirror.git");
    run(
        "git",
        [
            OsStr::new("clone"),
            "--quiet".as_ref(),
            "--bare".as_ref(),
            forge.git_url().as_ref(),
            mirror.as_ref(),
        ],
    )
    .await?;
    // `dry_run` makes no writes to the forge, which is not what is measured.
    let site = Site::new(&forge, LABEL, "true", "    mode: dry_run\n")?;
    let up = site.start().await?;
    up.until_taking_jobs().await?;
    let store = SqliteConnectOptions::new().filename(site.data_dir().join("store.db")).read_only(true);
    let mut rows = store.connect().await?;
    // The first one fills the mirror.
    finished(&up, &mut rows, 0, 1).await?;

    let (mut measured, mut bare, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let sandboxes = rate(|_| run("bwrap", BARE.into_iter().chain(["true"]))).await?;
        let with_git = rate(|number| least(&mirror, folder.path().join(number.to_string()))).await?;
        let runs = finished(&up, &mut rows, 1 + round * RUNS, RUNS).await?;
        println!("  {runs:>6.1} runs/s   bare bwrap {sandboxes:.0}/s   bare git and bwrap {with_git:.1}/s");
        measured.push(runs);
        bare.push(sandboxes);
        parts.push(with_git);
    }
    print_steps(&up).await?;
    up.stop().await?;
    let measured = median(measured);
    let mut add = |name: &str, floor, target| {
        table.add(Figure { name: name.to_owned(), unit: "/s", measured, floor: Some(floor), target });
    };
    add("sandboxed runs of `true`, beside bare bwrap", median(bare), Target::AtLeastOfFloor(0.5));
    add("  beside a bare git checkout and bare bwrap", median(parts), Target::None);
    Ok(())
}

/// How often a second something comes to its end, as many at once as there are slots.
async fn rate<F: Future<Output = anyhow::Result<()>>>(one: impl Fn(usize) -> F) -> anyhow::Result<f64> {
    let clock = SystemClock::new();
    let start = clock.monotonic();
    stream::iter(0..RUNS).map(one).buffer_unordered(SLOTS).try_collect::<()>().await?;
    Ok(RUNS as f64 / (clock.monotonic() - start).as_secs_f64())
}

/// The least that a run is made of: a tree from a mirror that is there, and a sandbox.
async fn least(mirror: &Path, fresh: std::path::PathBuf) -> anyhow::Result<()> {
    let word = OsStr::new;
    let clone = ["clone", "--quiet", "--shared", "--no-checkout"].map(word);
    run("git", clone.into_iter().chain([mirror.as_os_str(), fresh.as_os_str()])).await?;
    let checkout = ["checkout", "--quiet", "--detach", "HEAD"].map(word);
    run("git", [word("-C"), fresh.as_os_str()].into_iter().chain(checkout)).await?;
    run("bwrap", BARE.into_iter().chain(["true"])).await?;
    tokio::fs::remove_dir_all(fresh).await?;
    Ok(())
}

async fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<()> {
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).status().await?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}

/// Runs a second, of so many webhooks after `before`.
async fn finished(up: &Up, rows: &mut SqliteConnection, before: usize, runs: usize) -> anyhow::Result<f64> {
    let clock = SystemClock::new();
    let deliveries = Deliveries::new(LABEL, clock.now())?;
    let all = before + runs;
    let start = clock.monotonic();
    load::send_all(up.address, &deliveries, FIRST + before as u64..FIRST + all as u64, SLOTS).await?;
    while done(rows, "").await? < all {
        ensure!(clock.monotonic() - start < PATIENCE, "the runs do not come to their end");
        tokio::time::sleep(LOOK).await;
    }
    let time = clock.monotonic() - start;
    let as_expected = done(rows, " AND outcome = 'no_change'").await?;
    ensure!(as_expected == all, "of {all} runs {as_expected} ended as they should");
    Ok(runs as f64 / time.as_secs_f64())
}

async fn done(rows: &mut SqliteConnection, and: &str) -> anyhow::Result<usize> {
    let count = format!("SELECT count(*) FROM runs WHERE state = 'done'{and}");
    let count: (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(count)).fetch_one(rows).await?;
    Ok(usize::try_from(count.0)?)
}

/// Where the time of the newest runs went, as their reports have it.
async fn print_steps(up: &Up) -> anyhow::Result<()> {
    let page = up.api("runs?limit=100").await?;
    let mut times: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for run in page["items"].as_array().context("no runs")? {
        let run = up.api(&format!("runs/{}", run["id"].as_str().context("no id")?)).await?;
        for step in run["steps"].as_array().context("no steps")? {
            let name = step["step"].as_str().context("a step without a name")?;
            let time = Duration::from_micros(step["micros"].as_u64().unwrap_or_default());
            times.entry(name.to_owned()).or_default().push(time);
        }
    }
    for (step, times) in times {
        println!("  of a run, {step:<10} {}", times.into_iter().collect::<Spread>());
    }
    Ok(())
}
