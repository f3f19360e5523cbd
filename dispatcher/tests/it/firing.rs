//! Schedules fire once, whoever looks, whatever is edited and whatever the clock does.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dispatcher::rules::load_texts;
use dispatcher::{Dispatcher, LastLook};
use forge::ForgeError;
use proptest::prelude::*;
use proptest::sample::select;
use schemas::Clock;
use schemas::clock::FakeClock;
use schemas::decision::Verdict;
use schemas::run::{Gate, RunState};
use store::{Store, TickState};

use crate::branches::made;
use crate::support::{World, at, on_store};

/// Automations in a file, each on a schedule; further keys as YAML.
fn file(automations: &[(&str, &str, &str)]) -> String {
    let mut text = "version: 1\nautomations:\n".to_owned();
    for (name, schedule, more) in automations {
        text += &format!(
            "  - name: {name}\n    on: [{{ schedule: '{schedule}', timezone: Europe/Berlin }}]\n    run: {{ commands: ['true'] }}\n"
        );
        text += more;
    }
    text
}

const API: &str = "    repos: [github/acme/api]\n";

/// The runs there are: automation, work item and tick, oldest first.
async fn runs(store: &Store) -> Vec<(String, String, DateTime<Utc>)> {
    let page = store.runs(200, None, None).await.unwrap();
    let mut runs: Vec<_> = page
        .items
        .into_iter()
        .map(|record| {
            let run = record.run;
            (run.automation.to_string(), run.work_item.to_string(), run.input.event.time.unwrap())
        })
        .collect();
    runs.sort_by_key(|(_, item, tick)| (*tick, item.clone()));
    runs
}

async fn ticks(store: &Store) -> Vec<DateTime<Utc>> {
    runs(store).await.into_iter().map(|(_, _, tick)| tick).collect()
}

async fn put(dispatcher: &Dispatcher, text: &str) {
    let set = load_texts([("a.yaml".to_owned(), text.to_owned())].into()).unwrap();
    dispatcher.activate(set).await.unwrap();
}

/// Lets whole minutes pass, looking once in each.
async fn pass(world: &World, last: &mut LastLook, minutes: u64) {
    for _ in 0..minutes {
        world.clock.advance(Duration::from_secs(60));
        world.dispatcher.fire_due(last).await.unwrap();
    }
}

#[tokio::test]
async fn a_tick_is_a_delivery_a_decision_and_a_run_for_each_repository() {
    let repos = "    repos: ['github/acme/*', '!github/acme/secret', 'github/other/web']\n";
    let world = World::new(&file(&[("weekly", "0 12 * * SAT", repos)])).await;
    world.forge.sees(&["acme/api", "acme/web", "acme/secret", "else/where"]);
    let mut last = LastLook::default();
    // 12:00 in Berlin is 11:00 in UTC; the clock stands at 10:00 on a Saturday.
    pass(&world, &mut last, 59).await;
    assert_eq!(runs(&world.store).await, []);
    pass(&world, &mut last, 5).await;
    let tick = at("2026-11-21T11:00:00Z");
    let expected = ["github/acme/api", "github/acme/web", "github/other/web"]
        .map(|repo| ("weekly".to_owned(), format!("schedule:weekly:{repo}"), tick));
    assert_eq!(runs(&world.store).await, expected);

    let deliveries = world.store.deliveries(10, None).await.unwrap().items;
    assert_eq!(deliveries.len(), 3);
    for delivery in &deliveries {
        assert_eq!(delivery.webhook.as_str(), "schedule");
        assert_eq!(delivery.event.as_ref().unwrap().r#type, "schedule.fired");
        let decisions = world.store.decisions(delivery.id).await.unwrap();
        assert!(
            matches!(decisions.as_slice(), [one] if matches!(one.verdict, Verdict::Matched { run: Some(_) }))
        );
    }
    let replay = world.dispatcher.replay(deliveries[0].id, false).await.unwrap_err();
    assert!(replay.to_string().ends_with("was made by a schedule and cannot be replayed"), "{replay}");
    let ids = world.store.automation_ids().await.unwrap();
    let row = world.store.last_tick(ids[&"weekly".into()]).await.unwrap().unwrap();
    assert_eq!((row.tick, row.state, row.deliveries.len()), (tick, TickState::Fired, 3));
}

#[tokio::test]
async fn modes() {
    let mode = |mode: &str| format!("{API}    mode: {mode}\n");
    let (observe, disabled) = (mode("observe"), mode("disabled"));
    let set = file(&[("seen", "* * * * *", &observe), ("off", "* * * * *", &disabled)]);
    let world = World::new(&set).await;
    pass(&world, &mut LastLook::default(), 3).await;
    assert_eq!(runs(&world.store).await, []);
    let deliveries = world.store.deliveries(10, None).await.unwrap().items;
    assert_eq!(deliveries.len(), 3, "`observe` decides and records");
    let decisions = world.store.decisions(deliveries[0].id).await.unwrap();
    assert_eq!(decisions[0].verdict, Verdict::Matched { run: None });
}

#[tokio::test]
async fn a_condition_that_does_not_hold_starts_nothing_and_is_recorded() {
    let more = format!("{API}    if: \"'now' in event.labels\"\n");
    let world = World::new(&file(&[("weekly", "* * * * *", &more)])).await;
    pass(&world, &mut LastLook::default(), 1).await;
    assert_eq!(runs(&world.store).await, []);
    let deliveries = world.store.deliveries(10, None).await.unwrap().items;
    let decisions = world.store.decisions(deliveries[0].id).await.unwrap();
    assert!(matches!(&decisions[0].verdict, Verdict::NotMatched { clause, .. } if clause == "if"));
}

#[tokio::test]
async fn without_a_matching_repository_the_decision_says_so() {
    let world = World::new(&file(&[("weekly", "* * * * *", "    repos: ['github/none/*']\n")])).await;
    world.forge.sees(&["acme/api"]);
    pass(&world, &mut LastLook::default(), 1).await;
    let deliveries = world.store.deliveries(10, None).await.unwrap().items;
    let decisions = world.store.decisions(deliveries[0].id).await.unwrap();
    assert!(matches!(decisions[0].verdict, Verdict::NoRepository { .. }));
}

#[tokio::test]
async fn a_forge_that_does_not_answer_holds_the_tick_up() {
    let set = file(&[("globs", "0 * * * *", "    repos: ['github/acme/*']\n"), ("named", "0 * * * *", API)]);
    let world = World::new(&set).await;
    let mut last = LastLook::default();
    world.forge.with(|state| state.visible = Err(ForgeError::Unavailable { message: "down".into() }));
    pass(&world, &mut last, 70).await;
    assert_eq!(runs(&world.store).await.len(), 1, "what names its repository goes on");
    let problem = world.dispatcher.schedule_problem().unwrap();
    assert_eq!(
        problem,
        "globs is due and waits: its repositories cannot be listed: the forge does not answer: down"
    );
    world.forge.sees(&["acme/web"]);
    pass(&world, &mut last, 1).await;
    let tick = at("2026-11-21T11:00:00Z");
    assert_eq!(ticks(&world.store).await, [tick, tick], "ten minutes late");
    assert_eq!(world.dispatcher.schedule_problem(), None);
}

#[tokio::test]
async fn a_schedule_waits_for_its_pull_request_to_be_merged() {
    let more = "    repos: [github/acme/api]\n    output: { pull_request: {} }\n    dedupe: { skip_if_open_pr: true }\n";
    let world = World::new(&file(&[("hourly", "0 * * * *", more)])).await;
    let mut last = LastLook::default();
    pass(&world, &mut last, 60).await;
    let job = world.take("first").await;
    world.push(&job, made(&job, 'b', '1')).await;
    pass(&world, &mut last, 60).await;
    let newest = world.store.deliveries(1, None).await.unwrap().items[0].id;
    let verdict = world.store.decisions(newest).await.unwrap().remove(0).verdict;
    let Verdict::NotMatched { clause, value, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(
        (clause.as_str(), value.as_str()),
        ("dedupe.skip_if_open_pr", "pull request 101 of github/acme/api")
    );
    // Nobody answers: it is late, not wrong.
    let refused = ForgeError::Refused { status: 403, message: "no".into() };
    world.forge.with(|state| state.visible = Err(refused));
    pass(&world, &mut last, 60).await;
    assert!(world.dispatcher.schedule_problem().unwrap().contains("hourly is due and waits"));
    world.forge.with(|state| {
        state.visible = Ok(Vec::new());
        state.closed.push(state.pulls[0].head.clone());
    });
    pass(&world, &mut last, 1).await;
    assert_eq!(ticks(&world.store).await, [at("2026-11-21T11:00:00Z"), at("2026-11-21T13:00:00Z")]);
}

#[tokio::test]
async fn jitter_spreads_the_repositories_and_is_the_same_every_day() {
    let more = "    repos: [github/acme/a, github/acme/b, github/acme/c]\n";
    let set = file(&[("daily", "0 12 * * *", more)]).replace("Berlin }", "Berlin, jitter: 1h }");
    let world = World::new(&set).await;
    let mut last = LastLook::default();
    pass(&world, &mut last, 60).await;
    let starts = async |store: &Store| -> Vec<TimeDelta> {
        let runs = store.runs(10, None, None).await.unwrap().items;
        let mut starts: Vec<_> = runs
            .iter()
            .map(|record| match record.run.state {
                RunState::Pending { gate: Gate::Schedule, due_at: Some(due_at) } => {
                    (record.run.repository.to_string(), due_at - record.run.created_at)
                }
                RunState::Queued { wake_at } => {
                    (record.run.repository.to_string(), wake_at - record.run.created_at)
                }
                ref other => panic!("{other:?}"),
            })
            .collect();
        starts.sort();
        starts.into_iter().map(|(_, delay)| delay).collect()
    };
    let delays = starts(&world.store).await;
    assert!(delays.iter().all(|delay| *delay >= TimeDelta::zero() && *delay < TimeDelta::hours(1)));
    assert!(delays[0] != delays[1] && delays[1] != delays[2], "{delays:?}");
    assert_eq!(world.store.due_runs(world.clock.now()).await.unwrap(), [].into());
}

#[tokio::test]
async fn an_edit_starts_anew_and_a_removal_and_return_too() {
    let world = World::new(&file(&[("hourly", "0 * * * *", API)])).await;
    let mut last = LastLook::default();
    pass(&world, &mut last, 61).await;
    assert_eq!(ticks(&world.store).await, [at("2026-11-21T11:00:00Z")]);

    // What was due before the edit does not fire by the new times.
    world.clock.advance(Duration::from_secs(4 * 3600));
    put(&world.dispatcher, &file(&[("hourly", "30 * * * *", API)])).await;
    world.dispatcher.fire_due(&mut last).await.unwrap();
    assert_eq!(ticks(&world.store).await.len(), 1);
    pass(&world, &mut last, 30).await;
    assert_eq!(ticks(&world.store).await[1..], [at("2026-11-21T15:30:00Z")]);

    put(&world.dispatcher, &file(&[])).await;
    world.clock.advance(Duration::from_secs(3600));
    put(&world.dispatcher, &file(&[("hourly", "30 * * * *", API)])).await;
    world.dispatcher.fire_due(&mut last).await.unwrap();
    assert_eq!(ticks(&world.store).await.len(), 2, "nobody wanted 16:30 while it was gone");

    // What did not change goes on: a set that only adds another automation.
    world.clock.advance(Duration::from_secs(3600));
    put(&world.dispatcher, &file(&[("hourly", "30 * * * *", API), ("new", "30 * * * *", API)])).await;
    world.dispatcher.fire_due(&mut last).await.unwrap();
    let caught_up = runs(&world.store).await.pop().unwrap();
    assert_eq!((caught_up.0.as_str(), caught_up.2), ("hourly", at("2026-11-21T17:30:00Z")));
}

#[tokio::test]
async fn a_rename_keeps_id_ticks_and_runs() {
    let world = World::new(&file(&[("one", "0 * * * *", API)])).await;
    let mut last = LastLook::default();
    pass(&world, &mut last, 60).await;
    let first = world.store.automation_ids().await.unwrap();
    // At the very minute of its tick, and once more: a chain.
    for (name, was) in [("two", "one"), ("three", "two")] {
        put(&world.dispatcher, &file(&[(name, "0 * * * *", &format!("{API}    was: {was}\n"))])).await;
        world.dispatcher.fire_due(&mut last).await.unwrap();
    }
    let ids = world.store.automation_ids().await.unwrap();
    assert_eq!(ids, [("three".into(), first[&"one".into()])].into());
    let tick = at("2026-11-21T11:00:00Z");
    let item = "schedule:three:github/acme/api".to_owned();
    assert_eq!(runs(&world.store).await, [("three".to_owned(), item, tick)], "not fired again");

    // The old name is free, and `was` that has been done changes nothing any more.
    let both =
        [("one", "0 * * * *", API), ("three", "0 * * * *", "    repos: [github/acme/api]\n    was: two\n")];
    put(&world.dispatcher, &file(&both)).await;
    let later = world.store.automation_ids().await.unwrap();
    assert_eq!(later[&"three".into()], first[&"one".into()]);
    assert_ne!(later[&"one".into()], first[&"one".into()]);
}

#[tokio::test]
async fn another_dispatcher_takes_the_set_over_and_two_folders_do_not_fight() {
    let world = World::new(&file(&[("one", "0 * * * *", API)])).await;
    let other = on_store(&world.store, &world.forge, &world.clock);
    other.adopt().await.unwrap();
    assert_eq!(other.rules().hash, world.dispatcher.rules().hash);

    let load = |text: String| load_texts([("a.yaml".to_owned(), text)].into()).unwrap();
    let (a, b) = (file(&[("a", "0 * * * *", API)]), file(&[("b", "0 * * * *", API)]));
    world.dispatcher.offer(load(a.clone()), "folder a").await.unwrap();
    other.offer(load(b.clone()), "folder b").await.unwrap();
    for _ in 0..3 {
        world.dispatcher.offer(load(a.clone()), "folder a").await.unwrap();
        other.offer(load(b.clone()), "folder b").await.unwrap();
        world.dispatcher.adopt().await.unwrap();
        other.adopt().await.unwrap();
    }
    let in_force = |dispatcher: &Dispatcher| (dispatcher.rules_source(), dispatcher.rules_are_anothers());
    assert_eq!(in_force(&world.dispatcher), ("folder b".to_owned(), true));
    assert_eq!(in_force(&other), ("folder b".to_owned(), false));
    // A dispatcher that does not decide by the set in force fires nothing.
    world.dispatcher.offer(load(file(&[("c", "* * * * *", API)])), "folder a").await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    other.fire_due(&mut LastLook::default()).await.unwrap();
    assert_eq!(runs(&world.store).await, []);
    other.adopt().await.unwrap();
    assert!(other.fire_due(&mut LastLook::default()).await.unwrap());
    assert_eq!(runs(&world.store).await.len(), 1);
}

/// Several dispatchers on one database, each with a clock of its own.
struct Fleet {
    world: World,
    others: Vec<(Arc<Dispatcher>, Arc<FakeClock>)>,
    last: Vec<LastLook>,
    started: DateTime<Utc>,
    passed: TimeDelta,
}

impl Fleet {
    async fn new(set: &str) -> Self {
        let world = World::new(set).await;
        let clock = Arc::new(FakeClock::new(at("2026-11-21T10:00:00Z"), 2));
        let other = on_store(&world.store, &world.forge, &clock);
        let others = vec![(Arc::clone(&world.dispatcher), Arc::clone(&world.clock)), (other, clock)];
        let started = at("2026-11-21T10:00:00Z");
        let last = vec![LastLook::default(), LastLook::default()];
        Self { world, others, last, started, passed: TimeDelta::zero() }
    }

    /// Real time passes for both.
    fn advance(&mut self, by: Duration) {
        self.others.iter().for_each(|(_, clock)| clock.advance(by));
        self.passed += TimeDelta::from_std(by).unwrap();
    }

    /// Puts a wall clock off by `skew`.
    fn skew(&self, which: usize, skew: TimeDelta) {
        self.others[which].1.step_wall(self.started + self.passed + skew);
    }

    async fn look(&mut self, which: usize) {
        let dispatcher = Arc::clone(&self.others[which].0);
        dispatcher.adopt().await.unwrap();
        dispatcher.fire_due(&mut self.last[which]).await.unwrap();
    }

    /// A dispatcher that was stopped and started again remembers nothing.
    fn restart(&mut self, which: usize) {
        self.others[which].0 = on_store(&self.world.store, &self.world.forge, &self.others[which].1);
        self.last[which] = LastLook::default();
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Look(usize),
    Both,
    Restart(usize),
    Rename,
    Edit(&'static str),
    Remove,
    Skew(usize, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..1900).prop_map(Step::Pass),
        4 => (0usize..2).prop_map(Step::Look),
        4 => Just(Step::Both),
        1 => (0usize..2).prop_map(Step::Restart),
        1 => Just(Step::Rename),
        1 => select(vec!["*/5 * * * *", "0 * * * *", "7,22 * * * *"]).prop_map(Step::Edit),
        1 => Just(Step::Remove),
        1 => (0usize..2, select(vec![0i64, 20, -20, 3600, -3600, 315_360_000, -31_536_000]))
            .prop_map(|(which, seconds)| Step::Skew(which, seconds)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_tick_fires_twice_in_any_order_of_things(steps in prop::collection::vec(step(), 4..24)) {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
            let mut fleet = Fleet::new(&file(&[("a0", "*/5 * * * *", API)])).await;
            let (mut generation, mut schedule) = (0, "*/5 * * * *");
            let mut before = 0;
            for step in steps {
                let steady = matches!(step, Step::Look(_) | Step::Both);
                match step {
                    Step::Pass(seconds) => fleet.advance(Duration::from_secs(seconds)),
                    Step::Look(which) => fleet.look(which).await,
                    Step::Both => {
                        let (one, two) = (Arc::clone(&fleet.others[0].0), Arc::clone(&fleet.others[1].0));
                        let (mut first, mut second) = (LastLook::default(), LastLook::default());
                        one.adopt().await.unwrap();
                        two.adopt().await.unwrap();
                        let (first, second) = tokio::join!(
                            tokio::spawn(async move { one.fire_due(&mut first).await.unwrap() }),
                            tokio::spawn(async move { two.fire_due(&mut second).await.unwrap() }),
                        );
                        first.unwrap();
                        second.unwrap();
                    }
                    Step::Restart(which) => fleet.restart(which),
                    Step::Rename => {
                        generation += 1;
                        let more = format!("{API}    was: a{}\n", generation - 1);
                        let name = format!("a{generation}");
                        put(&fleet.others[0].0, &file(&[(&name, schedule, &more)])).await;
                    }
                    Step::Edit(new) => {
                        schedule = new;
                        put(&fleet.others[1].0, &file(&[(&format!("a{generation}"), schedule, API)])).await;
                    }
                    Step::Remove => {
                        put(&fleet.others[0].0, &file(&[])).await;
                        put(&fleet.others[0].0, &file(&[(&format!("a{generation}"), schedule, API)])).await;
                    }
                    Step::Skew(which, seconds) => fleet.skew(which, TimeDelta::seconds(seconds)),
                }
                let ticks = ticks(&fleet.world.store).await;
                let mut unique = ticks.clone();
                unique.dedup();
                assert_eq!(ticks, unique, "a tick fired twice");
                assert!(!steady || ticks.len() <= before + 2, "more than one run for a look of each");
                before = ticks.len();
            }
        });
    }
}

#[tokio::test]
async fn a_clock_step_makes_neither_storm_nor_stop() {
    let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
    for skew in [hour, -hour, day * 3650, -(day * 365)] {
        let mut fleet = Fleet::new(&file(&[("a", "*/5 * * * *", API)])).await;
        for minute in 0..360 {
            fleet.advance(Duration::from_secs(60));
            match minute {
                120 => (0..2).for_each(|which| fleet.skew(which, skew)),
                150 => (0..2).for_each(|which| fleet.skew(which, TimeDelta::zero())),
                _ => {}
            }
            let before = ticks(&fleet.world.store).await.len();
            fleet.look(0).await;
            fleet.look(1).await;
            assert!(ticks(&fleet.world.store).await.len() <= before + 1, "a storm after {skew}");
        }
        let after = at("2026-11-21T14:31:00Z");
        let last = ticks(&fleet.world.store)
            .await
            .into_iter()
            .filter(|tick| *tick > after && *tick < after + hour * 2);
        assert!(last.count() >= 16, "a stop after {skew}");
    }
}
