//! Faults on real processes under load, counted: `make faults`. `ONLY="PostgreSQL,forge"` chooses by
//! words of their names; `SEEDS=50` is how often each happens, `CUT=60` for how many seconds a line is
//! cut, and RabbitMQ's consumer timeout. `LOGS=1` prints what the dispatcher and ingress wrote,
//! `PULLWRIGHT_SEED` are the moments at which it happens, `PREVIOUS=FILE` adds what needs the program of
//! the version before; with `SITES=1` one thing happens at a time. `SOAK=30` is another thing: a load for
//! so many minutes, with a fault in each.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod count;
mod faults;
mod held;
mod load;
mod memory;
mod rows;
#[path = "../../crates/store/tests/postgresql/server.rs"]
#[expect(dead_code, reason = "the store's own tests use all of it")]
mod server;
mod site;
mod soak;
mod steps;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the whole use all of it")]
mod support;
mod version;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use faults::Fault;
use rows::Rows;
use site::Site;
use support::Random;

const SEEDS: u64 = 3;
/// Most of a round is waiting.
const SITES: u64 = 2;
const CUT: u64 = 5;

/// What this does not do, and where it is done or why it is not.
const NOT_HERE: [(&str, &str); 6] = [
    ("a dispatcher dead between any two writes", "the simulation, by seed"),
    ("kill -9 under load, a hundred times; clients that send too much", "the tests of the whole"),
    ("disk full where the queue is embedded", "broker's group disk-full"),
    ("disk full where PostgreSQL has its records", "nothing yet; a server that goes read-only is a row"),
    ("upgrade and back with jobs going on", "`make upgrade`, which builds the version before"),
    (
        "a worker lost before and after its result bundle",
        "the tests of the whole: no command runs again after it",
    ),
];

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}"))
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = std::env::var("ONLY").unwrap_or_default();
    let chosen = |name: &str| wanted.split(',').any(|word| name.contains(word.trim()));
    let (rounds, cut) = (number("SEEDS", SEEDS), Duration::from_secs(number("CUT", CUT)));
    let minutes = number("SOAK", 0);
    let mut random = Random::from_env();
    let mut sites = Vec::new();
    for _ in 0..if minutes > 0 { 1 } else { number("SITES", SITES) } {
        let Some(site) = Site::start(cut * 4).await else {
            println!("RabbitMQ and PostgreSQL are needed");
            return ExitCode::FAILURE;
        };
        sites.push(site);
    }
    if let ([site], 1..) = (&mut *sites, minutes) {
        let well = soak::soak(site, minutes, cut, &mut random).await;
        return if well { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let faults = Fault::ALL.into_iter().filter(|(fault, name)| fault.is_possible() && chosen(name));
    let rows = Rows::of(faults.map(|(fault, _)| fault), rounds, cut, &mut random);
    rows.measure(&mut sites).await;
    let zombies: u64 = sites.iter().map(|site| site.zombies).sum();
    if zombies > 0 {
        println!("runs that a stopped worker went on with when others had them: {zombies}");
    }
    if std::env::var_os("LOGS").is_some() {
        for site in &sites {
            println!("{}", site.world.logs());
        }
    }
    println!("\n{}\n\nnot here:", rows.table());
    for (fault, instead) in NOT_HERE {
        println!("  {fault}: {instead}");
    }
    let failures = rows.failures();
    for fault in &failures {
        println!("not as promised: {fault}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
