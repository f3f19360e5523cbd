//! Half of what the deployment can do, for long, with a fault every minute: nothing is lost, and no
//! process grows.

use std::time::Duration;

use comfy_table::Table;
use schemas::{Clock, SystemClock};
use tokio::task::JoinSet;

use crate::count::Count;
use crate::faults::Fault;
use crate::load::{self, Taken};
use crate::memory::Memory;
use crate::site::Site;
use crate::support::Random;

/// Issues at once, to see how fast runs go.
const BURST: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// Those that leave every process of ours alive: a new one would not show what an old one gathers.
const FAULTS: [Fault; 12] = [
    Fault::ForgeCommitsThen502,
    Fault::DatabaseRestarted,
    Fault::IngressCutFromBroker,
    Fault::BrokerKilled,
    Fault::WorkersCutOff,
    Fault::DatabaseReadOnly,
    Fault::ForgeLimits,
    Fault::DispatcherCutFromDatabase,
    Fault::MemoryAlarm,
    Fault::DispatcherCutFromForge,
    Fault::DatabaseClosed,
    Fault::DispatcherCutFromBroker,
];

/// Soaks for so many minutes; whether all was as promised.
pub async fn soak(site: &mut Site, minutes: u64, cut: Duration, random: &mut Random) -> bool {
    let clock = SystemClock::new();
    let issues = load::some(&site.world, BURST);
    let senders = deliver(site, &issues, Duration::ZERO, random);
    let count = Count::of(site, load::taken(senders).await, false).await;
    assert_eq!((count.lost, count.twice), (0, 0), "{:?}", count.remarks);
    let most = BURST as f64 / clock.monotonic().as_secs_f64();
    let number = (most * MINUTE.as_secs_f64() / 2.0).round() as usize;
    println!("{most:.2} runs/s at most; half of that for {minutes} min");

    let began = clock.monotonic();
    let mut memory = Memory::of(site);
    let mut everything = JoinSet::new();
    for minute in 0..minutes {
        let issues = load::some(&site.world, number);
        let senders = deliver(site, &issues, MINUTE, random);
        let fault = FAULTS[usize::try_from(minute).unwrap() % FAULTS.len()];
        fault.happen(site, &issues, random, cut).await;
        let end = began + MINUTE * u32::try_from(minute + 1).unwrap();
        while clock.monotonic() < end {
            tokio::time::sleep(Duration::from_secs(1)).await;
            memory.sample();
        }
        everything.spawn(load::taken(senders));
        let behind = not_over(site).await;
        let (name, memory) = (fault.name(), memory.now());
        println!("minute {}: {number} issues, {name}; runs not over: {behind}; {memory}", minute + 1);
    }
    let mut taken = Taken::default();
    while let Some(minute) = everything.join_next().await {
        taken.add(minute.expect("a sender panicked"));
    }
    let count = Count::of(site, taken, false).await;
    for remark in &count.remarks {
        println!("  {remark}");
    }
    println!(
        "accepted {}, lost {}, done twice {}, drained after {:.1} s",
        count.accepted,
        count.lost,
        count.twice,
        count.drain.as_secs_f64()
    );
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    let flat = memory.table(&mut table);
    println!("{table}");
    flat && count.lost + count.twice == 0 && !count.hands && count.remarks.is_empty()
}

/// How many runs are in each state before the last, up to a page: a load that is too much shows here.
async fn not_over(site: &Site) -> String {
    let mut words = Vec::new();
    for state in ["pending", "queued", "active"] {
        let (_, page) = site.world.api(&format!("runs?limit=200&state={state}")).await;
        words.push(format!("{} {state}", page["items"].as_array().map_or(0, Vec::len)));
    }
    words.join(", ")
}

fn deliver(site: &Site, issues: &[u64], within: Duration, random: &mut Random) -> JoinSet<Taken> {
    load::deliver(&site.world, site.ingress.url("/webhooks/github"), issues, within, random)
}
