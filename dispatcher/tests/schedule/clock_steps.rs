//! Two dispatchers on one set of rows, their clocks put forward and back: no storm, no stop, nothing twice.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dispatcher::schedule::catch_up::{CatchUp, Look, Progress, due, horizon};
use dispatcher::schedule::{Tick, Timetable};
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{timetable, utc};

const START: &str = "2026-11-21T00:00:10Z";
const EVERY: TimeDelta = TimeDelta::minutes(1);

/// What became of a tick's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Fired { really_at: DateTime<Utc> },
    Skipped,
}

struct World {
    timetable: Timetable,
    catch_up: CatchUp,
    now: DateTime<Utc>,
    activated_at: DateTime<Utc>,
    rows: BTreeMap<Tick, Row>,
    previous: [Option<Look>; 2],
    skews: [TimeDelta; 2],
    /// The most runs that one look started.
    most_at_once: usize,
}

impl World {
    fn new(expression: &str, catch_up: CatchUp) -> Self {
        let now = utc(START);
        Self {
            timetable: timetable(expression, "Europe/Berlin"),
            catch_up,
            now,
            activated_at: now,
            rows: BTreeMap::new(),
            previous: [None; 2],
            skews: [TimeDelta::zero(); 2],
            most_at_once: 0,
        }
    }

    /// Lets real time pass while both dispatchers look.
    fn pass(&mut self, time: TimeDelta) {
        let until = self.now + time;
        while self.now < until {
            self.now += EVERY;
            self.look(0);
            self.look(1);
        }
    }

    fn look(&mut self, dispatcher: usize) {
        let wall = self.now + *self.skews.get(dispatcher).unwrap();
        let monotonic = (self.now - utc(START)).to_std().unwrap() + Duration::from_secs(1000);
        let now = Look { wall, monotonic };
        let newest = self.rows.range((Unbounded, Included(Tick::at(horizon(wall))))).next_back();
        let progress =
            Progress { activated_at: self.activated_at, handled_through: newest.map(|(tick, _)| *tick) };
        let previous = self.previous.get_mut(dispatcher).unwrap().replace(now);
        let due = due(&self.timetable, &progress, self.catch_up, 20, previous, now);

        let mut runs = 0;
        for tick in &due.fire {
            assert!(tick.time() <= wall, "{tick} fires early at {wall}");
            // The unique key: an existing row wins.
            let row = self.rows.entry(*tick);
            if let std::collections::btree_map::Entry::Vacant(row) = row {
                row.insert(Row::Fired { really_at: self.now });
                runs += 1;
            }
        }
        if let (None, Some(skipped)) = (due.fire.last(), due.skipped) {
            self.rows.entry(skipped.last).or_insert(Row::Skipped);
        }
        self.most_at_once = self.most_at_once.max(runs);
    }

    fn put(&mut self, skew: TimeDelta) {
        self.skews = [skew; 2];
    }

    /// When runs really started, in order.
    fn starts(&self) -> Vec<DateTime<Utc>> {
        let fired = self.rows.values().filter_map(|row| match row {
            Row::Fired { really_at } => Some(*really_at),
            Row::Skipped => None,
        });
        let mut starts: Vec<_> = fired.collect();
        starts.sort();
        starts
    }

    /// The longest real time without a run, from the start of the world to now.
    fn longest_pause(&self) -> TimeDelta {
        let starts = self.starts();
        let edges = [vec![utc(START)], starts, vec![self.now]].concat();
        edges.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
    }

    /// The ticks of the time that just passed, by the true clock, that never fired.
    fn unfired_in_the_last(&self, time: TimeDelta) -> Vec<Tick> {
        let mut ticks = self.timetable.ticks_between(self.now - time, self.now, usize::MAX);
        ticks.retain(|tick| !matches!(self.rows.get(tick), Some(Row::Fired { .. })));
        ticks
    }
}

fn years(count: i64) -> TimeDelta {
    TimeDelta::days(365 * count)
}

/// Steps of both clocks: by how much, and put right again after how long.
fn steps() -> Vec<(&'static str, TimeDelta, Option<TimeDelta>)> {
    let (hour, minutes) = (TimeDelta::hours(1), TimeDelta::minutes(10));
    vec![
        ("+1 h", hour, None),
        ("-1 h", -hour, None),
        ("+10 y", years(10), None),
        ("-1 y", -years(1), None),
        ("+1 h for 10 min", hour, Some(minutes)),
        ("-1 h for 10 min", -hour, Some(minutes)),
        ("+10 y for 10 min", years(10), Some(minutes)),
        ("+10 y for 8 h", years(10), Some(hour * 8)),
        ("-1 y for 8 h", -years(1), Some(hour * 8)),
        ("-1 y for 10 min", -years(1), Some(minutes)),
    ]
}

#[test]
fn a_step_makes_neither_storm_nor_stop() {
    for catch_up in [CatchUp::Skip, CatchUp::Latest, CatchUp::All] {
        for (expression, period) in
            [("*/5 * * * *", 5), ("0 * * * *", 60), ("20 0,3,6,9,12,15,18,21 * * *", 180)]
        {
            for (name, skew, right_again) in steps() {
                let mut world = World::new(expression, catch_up);
                world.pass(TimeDelta::hours(7));
                world.put(skew);
                world.pass(right_again.unwrap_or(TimeDelta::hours(6)));
                if right_again.is_some() {
                    world.put(TimeDelta::zero());
                    world.pass(TimeDelta::hours(6));
                }
                let what = format!("{expression}, {catch_up:?}, {name}");
                assert_eq!(world.most_at_once, 1, "{what}: a storm");
                let most = TimeDelta::hours(2) + TimeDelta::minutes(period + 1);
                assert!(world.longest_pause() <= most, "{what}: a stop of {}", world.longest_pause());
                if right_again.is_some() {
                    assert_eq!(world.unfired_in_the_last(TimeDelta::hours(3)), [], "{what}");
                }
            }
        }
    }
}

#[test]
fn a_step_of_an_hour_needs_no_unique_key() {
    for skew in [TimeDelta::hours(1), -TimeDelta::hours(1)] {
        let mut world = World::new("*/5 * * * *", CatchUp::Latest);
        world.pass(TimeDelta::hours(2));
        world.put(skew);
        let before = world.rows.clone();
        world.pass(TimeDelta::hours(3));
        assert!(before.iter().all(|(tick, row)| world.rows.get(tick) == Some(row)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn two_clocks_wrong_in_any_order(
        expression in select(vec!["*/5 * * * *", "*/30 * * * *", "0 * * * *", "0,10,45 0-20 * * *"]),
        catch_up in select(vec![CatchUp::Skip, CatchUp::Latest, CatchUp::All]),
        changes in prop::collection::vec((0usize..2, 0usize..9, 1i64..180), 1..10),
    ) {
        let skews = [
            TimeDelta::zero(),
            TimeDelta::seconds(20),
            TimeDelta::minutes(30),
            TimeDelta::hours(1),
            -TimeDelta::hours(1),
            TimeDelta::hours(3),
            -TimeDelta::hours(3),
            years(10),
            -years(1),
        ];
        let mut world = World::new(expression, catch_up);
        world.pass(EVERY); // a first look has nothing to compare its clock with
        for (dispatcher, skew, minutes) in changes {
            *world.skews.get_mut(dispatcher).unwrap() = *skews.get(skew).unwrap();
            world.pass(TimeDelta::minutes(minutes));
        }
        world.put(TimeDelta::zero());
        world.pass(TimeDelta::hours(4));
        world.pass(TimeDelta::hours(2));
        prop_assert!(world.most_at_once <= 1, "{} runs at once", world.most_at_once);
        prop_assert_eq!(world.unfired_in_the_last(TimeDelta::hours(2)), []);
    }
}
