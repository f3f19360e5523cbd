//! One entry of `on:` that is a schedule.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::automation::{CatchUp, Trigger};

use super::keys;
use crate::rules::page::{Page, Spot};
use crate::schedule::{CronExpression, Timetable, Zone};

/// How many ticks are looked at for the shortest distance between two.
const TICKS: usize = 100;

pub(super) fn check(text: &str, trigger: &Trigger, at: Spot<'_>, page: &mut Page<'_>) {
    let events = ["source", "connection", "event"].into_iter().filter(|key| at.has(key));
    for key in events.chain(keys::filters(trigger)) {
        let remedy = "make two entries of it: entries are alternatives";
        page.say(at.key(key), format!("`{key}` does not go with `schedule`: a time is no event"), remedy);
    }
    let zone = trigger.timezone.as_deref().map_or(Ok(Zone::utc()), str::parse::<Zone>);
    if let Err(error) = &zone {
        page.say(at.at("timezone"), error, error.remedy());
    }
    let expression = text.parse::<CronExpression>();
    if let Err(error) = &expression {
        page.say_of_part(at.at("schedule"), text, error.span.clone(), error, error.remedy());
    }
    catch_up(trigger, at, page);
    if let Some(jitter) = trigger.jitter
        && let (Ok(expression), Ok(zone)) = (expression, zone)
        && let Some(shortest) = shortest_distance(&Timetable::new(expression, zone))
        && jitter.0 > shortest
    {
        let remedy = format!("at most {}", schemas::automation::Span(shortest));
        page.say(
            at.at("jitter"),
            format!("`jitter: {jitter}` is longer than the schedule's distance"),
            remedy,
        );
    }
}

fn catch_up(trigger: &Trigger, at: Spot<'_>, page: &mut Page<'_>) {
    let Some(limit) = trigger.catch_up_limit else { return };
    if trigger.catch_up != Some(CatchUp::All) {
        let remedy = "write `catch_up: all`, or remove the limit";
        page.say(at.key("catch_up_limit"), "only `catch_up: all` has a limit", remedy);
    } else if limit == 0 {
        page.say(at.at("catch_up_limit"), "a limit of 0 catches up nothing", "write `catch_up: skip`");
    }
}

/// The shortest time between two ticks that follow each other.
fn shortest_distance(timetable: &Timetable) -> Option<Duration> {
    let ticks = timetable.ticks_between(DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC, TICKS);
    let pairs = ticks.iter().zip(ticks.iter().skip(1));
    pairs.filter_map(|(one, next)| (next.time() - one.time()).to_std().ok()).min()
}
