//! Faults on real processes under load, counted: `make faults`. `ONLY="PostgreSQL,forge"` chooses by
//! words of their names; `SEEDS=50` is how often each happens, `CUT=60` for how many seconds a line is
//! cut, `LOGS=1` prints what the dispatcher and ingress wrote, `PULLWRIGHT_SEED` the moments at which
//! it happens. `SOAK=30` is another thing: a load for so many minutes, with a fault in each.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod count;
mod faults;
mod held;
mod load;
mod memory;
#[path = "../../crates/store/tests/postgresql/server.rs"]
#[expect(dead_code, reason = "the store's own tests use all of it")]
mod server;
mod site;
mod soak;
mod steps;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the whole use all of it")]
mod support;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

use count::Count;
use faults::Fault;
use site::Site;
use support::Random;

const SEEDS: u64 = 3;
const CUT: u64 = 5;
/// The deliveries of a round are spread over this.
const WITHIN: Duration = Duration::from_millis(1_500);

/// What this does not do, and where it is done or why it is not.
const NOT_HERE: [(&str, &str); 5] = [
    ("a dispatcher dead between any two writes", "the simulation, by seed"),
    ("kill -9 under load, a hundred times; clients that send too much", "the tests of the whole"),
    ("disk full where the queue is embedded", "broker's group disk-full"),
    (
        "upgrade to the next version and back with runs in flight",
        "there is one version so far; its migrations go up and down with rows",
    ),
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

/// One fault, so often; what it came to, all together.
async fn measure(site: &mut Site, fault: Fault, rounds: u64, cut: Duration, random: &mut Random) -> Count {
    let mut all = Count::default();
    for _ in 0..rounds {
        let issues = load::issues(&site.world, fault.thread());
        let door = site.ingress.url("/webhooks/github");
        let senders = load::deliver(&site.world, door, &issues, WITHIN, random);
        fault.happen(site, &issues, random, cut).await;
        let taken = load::taken(senders).await;
        let count = Count::of(site, taken, fault == Fault::CommentDeleted).await;
        all.accepted += count.accepted;
        all.lost += count.lost;
        all.twice += count.twice;
        all.hands |= count.hands;
        all.drain = all.drain.max(count.drain);
        all.remarks.extend(count.remarks);
        if all.hands {
            break;
        }
    }
    all
}

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = std::env::var("ONLY").unwrap_or_default();
    let chosen = |name: &str| wanted.split(',').any(|word| name.contains(word.trim()));
    let (rounds, cut) = (number("SEEDS", SEEDS), Duration::from_secs(number("CUT", CUT)));
    let mut random = Random::from_env();
    let Some(mut site) = Site::start().await else {
        println!("RabbitMQ and PostgreSQL are needed");
        return ExitCode::FAILURE;
    };
    let minutes = number("SOAK", 0);
    if minutes > 0 {
        let well = soak::soak(&mut site, minutes, cut, &mut random).await;
        return if well { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut table = comfy_table::Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["fault", "rounds", "accepted", "lost", "done twice", "drained after", "hands"]);
    let mut failed: Vec<String> = Vec::new();
    for (fault, name) in Fault::ALL.into_iter().filter(|(_, name)| chosen(name)) {
        let count = measure(&mut site, fault, rounds, cut, &mut random).await;
        let drain = format!("{:.1} s", count.drain.as_secs_f64());
        let hands = u8::from(count.hands);
        println!(
            "{name}: accepted {}, lost {}, done twice {}, {drain}",
            count.accepted, count.lost, count.twice
        );
        for remark in &count.remarks {
            println!("  {remark}");
        }
        let numbers =
            [rounds, count.accepted as u64, count.lost as u64, count.twice as u64].map(|n| n.to_string());
        let [rounds, accepted, lost, twice] = numbers;
        table.add_row([name.to_owned(), rounds, accepted, lost, twice, drain, hands.to_string()]);
        if count.lost + count.twice > 0 || count.hands || !count.remarks.is_empty() {
            failed.push(format!("{name}: {}", count.remarks.join("; ")));
        }
        if count.hands {
            println!("{}", site.world.logs());
            break;
        }
    }
    if std::env::var_os("LOGS").is_some() {
        println!("{}", site.world.logs());
    }
    println!("\n{table}\n\nnot here:");
    for (fault, instead) in NOT_HERE {
        println!("  {fault}: {instead}");
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    for fault in failed {
        println!("not as promised: {fault}");
    }
    ExitCode::FAILURE
}
