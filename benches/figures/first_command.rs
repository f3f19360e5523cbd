//! From a webhook to the first command in the sandbox, on an idle machine, step by step.
//!
//! The command prints the time; it runs when it reads the clock. Git and bubblewrap themselves are
//! measured bare in the same rounds; the rest is the product's own. Every webhook is by another
//! person about another issue, so that nothing is answered from a cache that idling empties.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use schemas::{Clock, SystemClock};
use serde_json::Value;

use crate::deliveries::Deliveries;
use crate::forge::{Forge, full_name};
use crate::http::Connection;
use crate::process::PATIENCE;
use crate::roles::FORGE_TOKEN;
use crate::sandbox::BARE;
use crate::site::{Site, Up};
use crate::spread::Spread;
use crate::table::{Figure, Table, Target};

const ROUNDS: usize = 60;
const LABEL: &str = "agent:fix";
/// Prints nanoseconds since 1970.
const COMMAND: &str = "date +%s%N";
/// Longer than the way to the command takes, so that asking for the result does not disturb it.
const LOOK: Duration = Duration::from_millis(150);

/// One way from webhook to command, and its floors.
struct Round {
    answered: Duration,
    steps: [Duration; STEPS.len()],
    total: Duration,
    git: Duration,
    bwrap: Duration,
    forge: Duration,
}

/// What is between two times that the product records.
const STEPS: [&str; 6] = [
    "sent to received (body read)",
    "received to decided (stored, taken, parsed, permission asked)",
    "decided to claimed (committed, worker woken, base asked)",
    "claimed to workspace begun (committed)",
    "workspace (laid out, git, handed over)",
    "sandbox (from the worker's word to the command)",
];

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let forge = Forge::start().await?;
    let site = Site::new(&forge, LABEL, COMMAND, "")?;
    let folder = tempfile::tempdir()?;
    let mirror = folder.path().join("mirror.git");
    let mirror = mirror.to_str().context("a folder's name is not UTF-8")?;
    git(&["clone", "--quiet", "--bare", &forge.git_url(), mirror])?;
    let up = site.start().await?;
    up.until_taking_jobs().await?;

    let mut rounds = Vec::with_capacity(ROUNDS);
    for number in 0..=ROUNDS {
        let round = round(&up, &forge, number, mirror, folder.path()).await?;
        // The first one fills the mirror.
        if number > 0 {
            rounds.push(round);
        }
    }
    up.stop().await?;
    print(&rounds, table);
    Ok(())
}

async fn round(up: &Up, forge: &Forge, number: usize, mirror: &str, folder: &Path) -> anyhow::Result<Round> {
    let login = format!("person-{number}");
    let issue = forge.issue(&login).await?;
    let git = checkout(mirror, &folder.join(format!("checkout-{number}")))?;
    let bwrap = bare_sandbox()?;
    let forge = ask(forge, &login).await?;

    let clock = SystemClock::new();
    let mut request = Vec::new();
    Deliveries::new(LABEL, clock.now())?.write(issue, &login, &mut request);
    let mut connection = Connection::open(up.address).await?;
    tokio::time::sleep(LOOK).await;

    let sent = clock.now();
    let begin = clock.monotonic();
    let answer = connection.exchange(&request).await?;
    let answered = clock.monotonic() - begin;
    if answer.status != 202 {
        bail!("the webhook was answered {}", answer.status);
    }
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let delivery = answer["delivery"].as_str().context("no delivery")?;
    let run = until_done(up, delivery).await?;
    let log = up.api(&format!("runs/{}/logs", text(&run, "id")?)).await?;
    let lines = log["lines"].as_array().context("no log")?;
    let line = |stream: &str| lines.iter().find(|line| line["stream"] == stream).context("a line is missing");

    let nanos: i64 = text(line("stdout")?, "text")?.parse()?;
    let ran = DateTime::from_timestamp_nanos(nanos);
    let told = time(line("worker")?, "at")?;
    let workspace = workspace(&run)?;
    let received = time(&up.api(&format!("deliveries/{delivery}")).await?, "received_at")?;
    let (decided, claimed) = (time(&run, "created_at")?, time(&run, "started_at")?);
    let steps = [
        since(sent, received),
        since(received, decided),
        since(decided, claimed),
        since(claimed, told).saturating_sub(workspace),
        workspace,
        since(told, ran),
    ];
    Ok(Round { answered, steps, total: since(sent, ran), git, bwrap, forge })
}

/// The run of `delivery`, once nothing of it is left to do.
async fn until_done(up: &Up, delivery: &str) -> anyhow::Result<Value> {
    let looking = async {
        loop {
            tokio::time::sleep(LOOK).await;
            let found = up.api(&format!("deliveries/{delivery}")).await;
            let Some(run) = found.ok().and_then(|found| Some(found["runs"][0].as_str()?.to_owned())) else {
                continue;
            };
            let run = up.api(&format!("runs/{run}")).await?;
            let busy = |intent: &Value| intent["state"] == "open" || intent["state"] == "calling";
            if run["state"] == "done" && !run["intents"].as_array().is_some_and(|all| all.iter().any(busy)) {
                if run["outcome"] != "no_change" {
                    bail!("a run ended otherwise than expected: {run:#}");
                }
                return Ok(run);
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.context("a run does not end")?
}

/// Bare git: the same tree into a fresh folder that borrows from a warm mirror.
fn checkout(mirror: &str, fresh: &Path) -> anyhow::Result<Duration> {
    let fresh = fresh.to_str().context("a folder's name is not UTF-8")?;
    git(&["clone", "--quiet", "--shared", "--no-checkout", mirror, fresh])?;
    let clock = SystemClock::new();
    git(&["-C", fresh, "checkout", "--quiet", "--detach", "HEAD"])?;
    let took = clock.monotonic();
    std::fs::remove_dir_all(fresh)?;
    Ok(took)
}

fn git(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("git").args(arguments).stdin(Stdio::null()).status().context("git")?;
    if !status.success() {
        bail!("git {} ended with {status}", arguments.first().unwrap_or(&""));
    }
    Ok(())
}

/// Bare bubblewrap, to the moment when the same command reads the clock.
fn bare_sandbox() -> anyhow::Result<Duration> {
    let begin = SystemClock::new().now();
    let output =
        Command::new("bwrap").args(BARE).args(["sh", "-c", COMMAND]).stdin(Stdio::null()).output()?;
    let nanos: i64 = String::from_utf8(output.stdout)?.trim().parse().context("bare bwrap said no time")?;
    Ok(since(begin, DateTime::from_timestamp_nanos(nanos)))
}

/// What the forge itself takes to answer the two questions on the way.
async fn ask(forge: &Forge, login: &str) -> anyhow::Result<Duration> {
    let mut connection = Connection::open(forge.address).await?;
    let clock = SystemClock::new();
    for path in [format!("collaborators/{login}/permission"), "git/ref/heads/main".to_owned()] {
        let request = format!(
            "GET /repos/{}/{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {FORGE_TOKEN}\r\n\r\n",
            full_name(),
            forge.address
        );
        let answer = connection.exchange(request.as_bytes()).await?;
        if answer.status != 200 {
            bail!("the forge answered {} to {path}", answer.status);
        }
    }
    Ok(clock.monotonic())
}

fn print(rounds: &[Round], table: &mut Table) {
    let spread = |time: &dyn Fn(&Round) -> Duration| rounds.iter().map(time).collect::<Spread>();
    let line = |name: &str, spread: &Spread| println!("  {name:<64} {spread}");
    line("answered 202", &spread(&|round| round.answered));
    for (place, name) in STEPS.iter().enumerate() {
        line(name, &spread(&|round| round.steps[place]));
    }
    let total = spread(&|round| round.total);
    line("webhook to first command", &total);
    let (git, bwrap) = (spread(&|round| round.git), spread(&|round| round.bwrap));
    line("floor: git checkout", &git);
    line("floor: bare bwrap to the same command", &bwrap);
    let forge = spread(&|round| round.forge);
    line("the stand-in's answers to both questions (one starts git)", &forge);
    let own = spread(&|round| round.total.saturating_sub(round.git + round.bwrap));
    line("own overhead: without git and bwrap", &own);
    let alone = spread(&|round| round.total.saturating_sub(round.git + round.bwrap + round.forge));
    line("own overhead without the stand-in's answers", &alone);

    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let floor = ms(git.median() + bwrap.median());
    let mut add = |name: &str, measured, floor, target| {
        table.add(Figure { name: name.to_owned(), unit: "ms", measured: ms(measured), floor, target });
    };
    add("webhook to first command, p50", total.median(), Some(floor), Target::AtMost(35.0));
    add("  own overhead, p50", own.median(), None, Target::AtMost(10.0));
    add("  own overhead without the stand-in, p50", alone.median(), None, Target::None);
}

fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value[key].as_str().with_context(|| format!("no `{key}`"))
}

fn time(value: &Value, key: &str) -> anyhow::Result<DateTime<Utc>> {
    Ok(text(value, key)?.parse()?)
}

/// How long the run's workspace took.
fn workspace(run: &Value) -> anyhow::Result<Duration> {
    let steps = run["steps"].as_array().context("no steps")?;
    let step = steps.iter().find(|step| step["step"] == "workspace").context("no workspace")?;
    Ok(Duration::from_micros(step["micros"].as_u64().unwrap_or_default()))
}

fn since(begin: DateTime<Utc>, end: DateTime<Utc>) -> Duration {
    (end - begin).to_std().unwrap_or_default()
}
