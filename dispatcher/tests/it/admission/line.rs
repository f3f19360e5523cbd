//! Whose turn it is, over plain data.

use std::collections::HashMap;

use dispatcher::admit::line::{Line, Turn};
use proptest::prelude::*;
use schemas::automation::{Budget, Usd};
use schemas::run::Gate;
use schemas::{AutomationName, RunId, WorkItem};
use store::{Account, Candidate, DaySum, Payer};

const DOLLAR: u64 = 1_000_000;

fn usd(dollars: u64) -> Usd {
    Usd::from_micros(dollars * DOLLAR)
}

fn run(number: u128, root: &str, group: &str, limit: u32) -> Candidate {
    Candidate {
        run: RunId(uuid::Uuid::from_u128(number)),
        root: WorkItem::from(root),
        group: group.to_owned(),
        group_limit: limit,
        automation: AutomationName::from("fix"),
        repository: "github/acme/api".parse().unwrap(),
        actor: Some("github:1".to_owned()),
        reserved: Usd::default(),
        budget: Budget::default(),
        admitted_at: None,
        gate: (Gate::Concurrency, None),
    }
}

fn paying(number: u128, reserved: u64, budget: Budget) -> Candidate {
    Candidate { reserved: usd(reserved), budget, ..run(number, &format!("i{number}"), "", 1) }
}

fn turns(line: &mut Line, runs: &[Candidate]) -> Vec<String> {
    let word = |turn| match turn {
        Turn::Goes => "goes".to_owned(),
        Turn::Behind(run) => format!("behind {}", run.0.as_u128()),
        Turn::OverBudget(limit) => limit,
    };
    runs.iter().map(|run| word(line.turn(run))).collect()
}

#[test]
fn an_item_has_one_place_and_a_group_its_limit() {
    let runs = [
        run(1, "a", "g", 2),
        run(2, "a", "h", 1),
        run(3, "b", "g", 2),
        run(4, "c", "g", 2),
        run(5, "d", "h", 1),
        run(6, "e", "", 1),
    ];
    let seen = turns(&mut Line::default(), &runs);
    assert_eq!(seen, ["goes", "behind 1", "goes", "behind 1", "goes", "goes"]);
    let taken = vec![("h".to_owned(), RunId(uuid::Uuid::from_u128(9)))];
    let seen = turns(&mut Line::new(taken, HashMap::new()), &runs);
    assert_eq!(seen, ["goes", "behind 1", "goes", "behind 1", "behind 9", "goes"]);
}

#[test]
fn money_is_held_back_when_somebody_goes() {
    let budget = Budget { day_usd: Some(usd(10)), ..Budget::default() };
    let runs: Vec<_> = (1..=4).map(|number| paying(number, 4, budget.clone())).collect();
    let seen = turns(&mut Line::default(), &runs);
    let over = "`budget.day_usd` of $10.00 has $8.00 taken for fix, and the run may spend $4.00";
    assert_eq!(seen, ["goes", "goes", over, over]);

    let again =
        Candidate { admitted_at: Some(crate::support::at("2026-11-21T10:00:00Z")), ..runs[0].clone() };
    let spent = DaySum { spent: usd(10), reserved: Usd::default() };
    let sums = HashMap::from([((Payer::Automation, "fix".to_owned()), spent)]);
    assert_eq!(turns(&mut Line::new(Vec::new(), sums.clone()), &[again]), ["goes"], "its money is held back");
    let free = paying(5, 0, budget);
    let over = "`budget.day_usd` of $10.00 has $10.00 taken for fix, and the run may spend $0.00";
    assert_eq!(turns(&mut Line::new(Vec::new(), sums), &[free]), [over]);
}

#[test]
fn every_budget_has_to_have_room() {
    for (payer, name, budget) in [
        (Payer::Automation, "fix", Budget { day_usd: Some(usd(5)), ..Budget::default() }),
        (
            Payer::Repository,
            "github/acme/api",
            Budget { repository_day_usd: Some(usd(5)), ..Budget::default() },
        ),
        (Payer::Actor, "github:1", Budget { actor_day_usd: Some(usd(5)), ..Budget::default() }),
    ] {
        let sum = |dollars| {
            let sum = DaySum { spent: usd(dollars), reserved: Usd::default() };
            let account: Account = (payer, name.to_owned());
            HashMap::from([(account, sum)])
        };
        let run = paying(1, 2, budget);
        assert_eq!(Line::new(Vec::new(), sum(3)).turn(&run), Turn::Goes, "{name}");
        assert!(matches!(Line::new(Vec::new(), sum(4)).turn(&run), Turn::OverBudget(_)), "{name}");
    }
}

/// A run as it waits: root, group, limit of its group, money.
fn any_run() -> impl Strategy<Value = (u8, u8, u32, u64)> {
    (0..6_u8, 0..3_u8, 1..3_u32, 0..4_u64)
}

proptest! {
    /// Whatever waits and ends in whatever order: one run of an item, no group over its limit, no
    /// budget overdrawn, nobody overtaken within an item, and nobody waits who could go.
    #[test]
    fn random_lives_keep_the_rules(
        waiting in prop::collection::vec(any_run(), 1..40),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let budget = Budget { day_usd: Some(usd(6)), ..Budget::default() };
        let account: Account = (Payer::Automation, "fix".to_owned());
        let mut waiting: Vec<Candidate> = waiting
            .into_iter()
            .zip(1..)
            .map(|((root, group, limit, money), number)| Candidate {
                reserved: usd(money),
                budget: budget.clone(),
                ..run(number, &format!("i{root}"), ["", "g", "h"][group as usize], limit)
            })
            .collect();
        let mut active: Vec<Candidate> = Vec::new();
        let mut ends = ends.into_iter();
        loop {
            let groups = active.iter().filter(|run| !run.group.is_empty());
            let taken = groups.map(|run| (run.group.clone(), run.run)).collect();
            let reserved = active.iter().fold(Usd::default(), |sum, run| sum.plus(run.reserved));
            let sums = HashMap::from([(account.clone(), DaySum { spent: Usd::default(), reserved })]);
            let mut line = Line::new(taken, sums);
            for run in &active {
                line.put_ahead(run.root.clone(), run.run);
            }
            let mut next = Vec::new();
            for run in waiting {
                let older_waits = next.iter().any(|older: &Candidate| older.root == run.root);
                match line.turn(&run) {
                    Turn::Goes => {
                        prop_assert!(!older_waits, "overtaken in its item");
                        prop_assert!(active.iter().all(|other| other.root != run.root), "two of one item");
                        let same = active.iter().filter(|other| !run.group.is_empty() && other.group == run.group);
                        prop_assert!(same.count() < run.group_limit as usize, "a full group");
                        active.push(run);
                    }
                    Turn::Behind(_) => {
                        let busy = older_waits || active.iter().any(|other| other.root == run.root);
                        let same = active.iter().filter(|other| !run.group.is_empty() && other.group == run.group);
                        prop_assert!(busy || same.count() >= run.group_limit as usize, "it could go");
                        next.push(run);
                    }
                    Turn::OverBudget(_) => {
                        let taken = active.iter().fold(run.reserved, |sum, run| sum.plus(run.reserved));
                        prop_assert!(taken >= usd(6), "there was money");
                        next.push(run);
                    }
                }
                let taken = active.iter().fold(Usd::default(), |sum, run| sum.plus(run.reserved));
                prop_assert!(taken <= usd(6), "overdrawn");
            }
            waiting = next;
            let Some(end) = ends.next().filter(|_| !active.is_empty()) else { break };
            active.remove(end.index(active.len()));
        }
    }
}
