//! Dispatcher, queue, workers and forge in one process on a virtual clock, with everything going
//! wrong that can, drawn from a seed. `PULLWRIGHT_SEEDS=10000` plays more of them, `PULLWRIGHT_SEED=7`
//! plays that one again and prints its history.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod forge;
mod promises;
mod random;
mod worker;
mod world;

use std::ops::AddAssign;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use world::World;

const SEEDS: u64 = 200;
const ACTIONS: usize = 150;
/// Who plays many sees after so many that it goes on.
const SAY_AFTER: u64 = 500;

/// What went on in the seeds, so that one sees that something did.
#[derive(Debug, Default)]
struct Tally {
    events: u64,
    deliveries: u64,
    forge_faults: u64,
    dispatcher_deaths: u64,
    workers_lost: u64,
    late_calls_refused: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.forge_faults += other.forge_faults;
        self.dispatcher_deaths += other.dispatcher_deaths;
        self.workers_lost += other.workers_lost;
        self.late_calls_refused += other.late_calls_refused;
    }
}

/// Plays one seed: its history, what it broke, and what went on.
async fn play(seed: u64) -> (Vec<String>, Vec<String>, Tally) {
    let mut world = World::new(seed).await;
    for _ in 0..ACTIONS {
        world.act().await;
    }
    let drained = world.drains().await;
    let (promises, history) = (std::mem::take(&mut world.promises), std::mem::take(&mut world.history));
    let runs = world.store.runs(500, None, None).await.unwrap().items;
    let tally = Tally {
        events: world.happened() as u64,
        deliveries: promises.accepted.len() as u64,
        forge_faults: world.forge.faults(),
        dispatcher_deaths: world.deaths,
        workers_lost: runs.iter().map(|record| u64::from(record.run.workers_lost)).sum(),
        late_calls_refused: promises.refused,
    };
    let mut broken = promises.at_the_end(&world.store, &world.forge, world.happened()).await;
    if !drained {
        broken.push("it did not come to its end by itself".to_owned());
    }
    world.close().await;
    (history, broken, tally)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_done_twice() {
    let one = number("PULLWRIGHT_SEED");
    let (first, last) = one.map_or((1, number("PULLWRIGHT_SEEDS").unwrap_or(SEEDS)), |seed| (seed, seed));
    let (next, all) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    let threads = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > last {
                        return;
                    }
                    let (history, broken, tally) = runtime.block_on(play(seed));
                    *all.lock().unwrap() += tally;
                    if one.is_some() || !broken.is_empty() {
                        println!("PULLWRIGHT_SEED={seed}\n{}", history.join("\n"));
                    }
                    assert!(broken.is_empty(), "PULLWRIGHT_SEED={seed}: {broken:#?}");
                    if seed.is_multiple_of(SAY_AFTER) {
                        println!("{seed} of {last}");
                    }
                }
            });
        }
    });
    println!("seeds {first} to {last}, nothing lost, nothing done twice: {:#?}", all.into_inner().unwrap());
}
