//! Faults on real processes under load, counted: `make faults`. Names after `--` choose; `SEEDS=50`
//! is how often each happens, `CUT=60` for how many seconds a line is cut, `LOGS=1` prints what the dispatcher and ingress wrote, `PULLWRIGHT_SEED` the
//! moments at which it happens.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod count;
mod faults;
mod load;
#[path = "../../crates/store/tests/postgresql/server.rs"]
#[expect(dead_code, reason = "the store's own tests use all of it")]
mod server;
mod site;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the whole use all of it")]
mod support;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

use count::Count;
use faults::Fault;
use load::Taken;
use site::Site;
use support::Random;

const SEEDS: u64 = 3;
const CUT: u64 = 5;
/// The deliveries of a round are spread over this.
const WITHIN: Duration = Duration::from_millis(1_500);

/// What this does not do, and where it is done or why it is not.
const NOT_HERE: [(&str, &str); 7] = [
    ("an answer lost, a dispatcher dead between any two writes", "the simulation, by seed"),
    ("kill -9 under load, a hundred times; clients that send too much", "the tests of the whole"),
    ("disk full where the queue is embedded", "broker's group disk-full"),
    ("RabbitMQ's consumer timeout", "nobody holds a message for longer than a batch takes to decide"),
    (
        "cancel against success, a person who deletes our comment",
        "the tests of the whole, and the simulation",
    ),
    (
        "upgrade to the next version and back with runs in flight",
        "there is one version so far; its migrations go up and down with rows",
    ),
    ("an agent paid twice, and its result bundle", "no agents yet: commands run again from the start, once"),
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
        let mut senders =
            load::deliver(&site.world, site.ingress.url("/webhooks/github"), WITHIN, random).await;
        fault.happen(site, random, cut).await;
        let mut taken = Taken::default();
        while let Some(sender) = senders.join_next().await {
            let one = sender.expect("a sender panicked");
            taken.issues.extend(one.issues);
            taken.accepted += one.accepted;
            taken.strange.extend(one.strange);
        }
        let count = Count::of(site, taken).await;
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
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let (rounds, cut) = (number("SEEDS", SEEDS), Duration::from_secs(number("CUT", CUT)));
    let mut random = Random::from_env();
    let Some(mut site) = Site::start().await else {
        println!("RabbitMQ and PostgreSQL are needed");
        return ExitCode::FAILURE;
    };
    let mut table = comfy_table::Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["fault", "rounds", "accepted", "lost", "done twice", "drained after", "hands"]);
    let mut failed = Vec::new();
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
            failed.push(name);
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
    println!("not as promised: {}", failed.join("; "));
    ExitCode::FAILURE
}
