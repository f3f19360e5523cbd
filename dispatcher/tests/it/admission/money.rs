//! Budgets: held back at admission, spent by heartbeats, freed at the end; sums that equal a recount.

use std::collections::HashMap;
use std::time::Duration;

use dispatcher::admit::line::day_of;
use proptest::prelude::*;
use schemas::automation::Usd;
use schemas::control::{Beat, Job, Orders};
use schemas::run::{Outcome, Reason, RunState};
use schemas::{Clock, ControlPlane, RunId, WorkerName};
use store::Payer;

use super::{file, fix};
use crate::control::report;
use crate::support::World;

fn cents(cents: u64) -> Usd {
    Usd::from_micros(cents * 10_000)
}

impl World {
    async fn beat(&self, job: &Job, number: u64, spent: Usd) -> Orders {
        self.dispatcher.heartbeat(job.run, job.epoch, Beat { number, spent }).await.unwrap()
    }

    async fn end_having_spent(&self, job: &Job, spent: Usd) {
        let report = schemas::report::Report { spent, ..report(Outcome::NoChange, Reason::NothingChanged) };
        self.dispatcher.report(job.run, job.epoch, report).await.unwrap();
    }

    /// What is taken of the automation's day.
    async fn taken(&self) -> Usd {
        let sums = self.store.day_sums(Payer::Automation, day_of(self.clock.now())).await.unwrap();
        sums.get(&(Payer::Automation, "fix".to_owned())).copied().unwrap_or_default().taken()
    }
}

#[tokio::test]
async fn a_run_over_the_days_limit_waits_until_money_is_freed_or_the_day_is_over() {
    let world = World::new(&file(&[fix("    budget: { run_usd: 4, day_usd: 10 }\n")])).await;
    let mut verdicts = Vec::new();
    let mut last = None;
    for number in 1..=4 {
        let delivery = world.label_for(number, "fix", 0).await;
        verdicts.extend(world.verdicts(delivery).await);
        last = Some(delivery);
    }
    assert_eq!(verdicts, ["matched", "matched", "over_budget", "over_budget"]);
    let sentence = world.store.decisions(last.unwrap()).await.unwrap().remove(0).verdict.sentence();
    assert!(
        sentence.ends_with("`budget.day_usd` of $10.00 has $8.00 taken for fix, and the run may spend $4.00")
    );
    let RunState::Pending { due_at, .. } = world.runs().await[2].run.state else { panic!() };
    assert_eq!(due_at, Some(crate::support::at("2026-11-22T00:00:00Z")));

    let job = world.claim_one().await.unwrap();
    assert_eq!(world.beat(&job, 1, cents(150)).await, Orders::Continue);
    assert_eq!(world.taken().await, cents(800), "spent of what is held back");
    world.end_having_spent(&job, cents(150)).await;
    assert_eq!(world.standings().await, ["nochange", "queued", "queued", "budget"]);
    assert_eq!(world.taken().await, cents(950));

    world.clock.advance(Duration::from_secs(14 * 3600 - 1));
    world.sweep().await;
    assert_eq!(world.standings().await[3], "budget");
    world.clock.advance(Duration::from_secs(1));
    world.sweep().await;
    assert_eq!(world.standings().await[3], "queued");
    assert_eq!(world.taken().await, cents(400), "the new day holds the new run's money alone");
}

#[tokio::test]
async fn a_run_that_spends_more_than_it_may_is_stopped_for_that_reason() {
    let world = World::new(&file(&[fix("    budget: { run_usd: 2.5 }\n")])).await;
    world.label_for(1, "fix", 0).await;
    let job = world.claim_one().await.unwrap();
    assert_eq!(world.beat(&job, 1, cents(250)).await, Orders::Continue);
    assert_eq!(world.beat(&job, 2, cents(251)).await, Orders::Cancel);
    let cancelled =
        schemas::report::Report { spent: cents(260), ..report(Outcome::Cancelled, Reason::CancelRequested) };
    world.dispatcher.report(job.run, job.epoch, cancelled).await.unwrap();
    let reason = Reason::BudgetExceeded { limit: cents(250) };
    assert_eq!(world.state(job.run).await, RunState::Done { outcome: Outcome::Failed, reason });
    assert_eq!(world.store.run(job.run).await.unwrap().unwrap().run.spent, cents(260));
}

#[tokio::test]
async fn what_a_lost_worker_spent_stays_spent_and_a_late_beat_takes_nothing_back() {
    let world = World::new(&file(&[fix("    budget: { run_usd: 4 }\n")])).await;
    world.label_for(1, "fix", 0).await;
    let job = world.claim_one().await.unwrap();
    world.beat(&job, 2, cents(300)).await;
    world.beat(&job, 1, cents(100)).await;
    world.dispatcher.forget_worker(&WorkerName::from("w")).await.unwrap();
    let again = world.claim_one().await.unwrap();
    assert_eq!(world.beat(&again, 1, cents(50)).await, Orders::Continue);
    assert_eq!(world.store.run(job.run).await.unwrap().unwrap().run.spent, cents(350));
    assert_eq!(world.beat(&again, 2, cents(101)).await, Orders::Cancel, "both workers together");
}

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    Label,
    Claim,
    Beat(u64),
    Lose,
    Park,
    End(u64),
    Cancel,
    Later(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => Just(Happening::Label),
        4 => Just(Happening::Claim),
        4 => (0..500_u64).prop_map(Happening::Beat),
        1 => Just(Happening::Lose),
        1 => Just(Happening::Park),
        2 => (0..500_u64).prop_map(Happening::End),
        1 => Just(Happening::Cancel),
        2 => (1..600_u64).prop_map(Happening::Later),
    ]
}

/// What a bystander knows of the money: by run, what earlier epochs and the present one spent.
#[derive(Default)]
struct Bystander {
    spent: HashMap<RunId, (Usd, Usd)>,
    held: Vec<Job>,
    issues: u64,
}

impl Bystander {
    async fn see(&mut self, world: &World, next: Happening) {
        match next {
            Happening::Label => {
                self.issues += 1;
                world.label_for(self.issues, "fix", 0).await;
            }
            Happening::Claim => {
                let Some(job) = world.claim_one().await else { return };
                let spent = self.spent.entry(job.run).or_default();
                *spent = (spent.0.plus(spent.1), Usd::default());
                self.held.push(job);
            }
            Happening::Beat(most) => {
                let Some(job) = self.held.first() else { return };
                let spent = self.spent.entry(job.run).or_default();
                spent.1 = spent.1.max(cents(most));
                world.beat(job, 1, cents(most)).await;
            }
            Happening::Lose => {
                self.held.clear();
                world.dispatcher.forget_worker(&WorkerName::from("w")).await.unwrap();
            }
            Happening::Park => {
                let Some(job) = self.held.pop() else { return };
                let until = world.clock.now() + chrono::TimeDelta::minutes(5);
                world.dispatcher.park(job.run, job.epoch, until, "limit".into()).await.unwrap();
            }
            Happening::End(most) => {
                let Some(job) = self.held.pop() else { return };
                self.spent.entry(job.run).or_default().1 = cents(most);
                world.end_having_spent(&job, cents(most)).await;
            }
            Happening::Cancel => {
                let runs = world.runs().await;
                let waiting = runs.iter().find(|record| matches!(record.run.state, RunState::Pending { .. }));
                if let Some(record) = waiting {
                    world.dispatcher.cancel(record.run.id).await.unwrap();
                }
            }
            Happening::Later(minutes) => {
                world.clock.advance(Duration::from_secs(minutes * 60));
                world.sweep().await;
            }
        }
    }

    /// The sum, counted anew from what the bystander saw.
    async fn recount(&self, world: &World) -> Usd {
        let today = day_of(world.clock.now());
        let mut sum = Usd::default();
        for record in world.runs().await {
            let run = record.run;
            if run.admitted_at.is_none_or(|at| !today.contains(&at)) {
                continue;
            }
            let (earlier, now) = self.spent.get(&run.id).copied().unwrap_or_default();
            let spent = earlier.plus(now);
            assert_eq!(run.spent, spent);
            let done = matches!(run.state, RunState::Done { .. });
            sum = sum.plus(if done { spent } else { spent.max(cents(400)) });
        }
        sum
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_sums_equal_a_recount(happenings in prop::collection::vec(happening(), 5..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new(&file(&[fix(
                "    budget: { run_usd: 4, day_usd: 13 }\n    output: { comment: none }\n",
            )]))
            .await;
            let mut bystander = Bystander::default();
            for next in happenings {
                bystander.see(&world, next).await;
                assert_eq!(world.taken().await, bystander.recount(&world).await);
            }
        });
    }
}
