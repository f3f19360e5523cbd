//! What is known of one hook's deliveries: which of them nobody accepted.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use forge::deliveries::Attempt;

/// How far back a forge repeats.
const WINDOW: TimeDelta = TimeDelta::days(3);
/// How much of what was seen is looked at again: an attempt is listed once it ended, and clocks differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// One hook's deliveries that nobody accepted.
#[derive(Default)]
pub(super) struct Ledger {
    looked_at: Option<DateTime<Utc>>,
    /// By guid.
    pub missed: BTreeMap<String, Missed>,
}

/// A delivery that nobody accepted.
pub(super) struct Missed {
    /// Its newest attempt, which is the one to repeat.
    pub newest: Attempt,
    /// When it was first made.
    pub since: DateTime<Utc>,
    /// How often we asked.
    pub asked: u32,
}

impl Ledger {
    /// What is older was seen, or is past repeating.
    pub(super) fn horizon(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let window = now - WINDOW;
        self.looked_at.map_or(window, |looked_at| window.max(looked_at - OVERLAP))
    }

    /// Takes in all attempts since the horizon; one that was accepted settles its guid.
    pub(super) fn enter(&mut self, attempts: Vec<Attempt>, now: DateTime<Utc>) {
        let accepted: HashSet<String> =
            attempts.iter().filter(|a| a.accepted).map(|a| a.guid.clone()).collect();
        for attempt in attempts.into_iter().filter(|a| !accepted.contains(&a.guid)) {
            let at = attempt.at;
            let fresh = || Missed { newest: attempt.clone(), since: at, asked: 0 };
            let missed = self.missed.entry(attempt.guid.clone()).or_insert_with(fresh);
            missed.since = missed.since.min(at);
            if at > missed.newest.at {
                missed.newest = attempt;
            }
        }
        self.missed.retain(|guid, missed| missed.since >= now - WINDOW && !accepted.contains(guid));
        self.looked_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: u64, guid: &str, minute: i64, accepted: bool) -> Attempt {
        Attempt { id, guid: guid.to_owned(), at: at(minute), accepted }
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn missed(ledger: &Ledger) -> Vec<(&str, u64)> {
        ledger.missed.iter().map(|(guid, missed)| (guid.as_str(), missed.newest.id)).collect()
    }

    #[test]
    fn one_accepted_attempt_settles_a_guid() {
        let mut ledger = Ledger::default();
        let listed = vec![
            attempt(6, "a", 6, false),
            attempt(5, "b", 5, true),
            attempt(4, "a", 4, false),
            attempt(3, "c", 3, true),
            attempt(2, "b", 2, false),
            attempt(1, "c", 1, true),
        ];
        ledger.enter(listed, at(7));
        assert_eq!(missed(&ledger), [("a", 6)]);
        assert_eq!(ledger.missed["a"].since, at(4));
        // In the next look only what is new is listed.
        ledger.enter(vec![attempt(7, "a", 8, false)], at(9));
        assert_eq!((missed(&ledger), ledger.missed["a"].since), (vec![("a", 7)], at(4)));
        ledger.enter(vec![attempt(8, "a", 10, true)], at(11));
        assert!(missed(&ledger).is_empty());
    }

    #[test]
    fn what_is_past_the_window_is_let_go() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.horizon(at(0)), at(0) - WINDOW);
        ledger.enter(vec![attempt(1, "a", 0, false)], at(1));
        assert_eq!(ledger.horizon(at(60)), at(1) - OVERLAP);
        // It fails again and again: three days after it was first made that ends.
        let minutes = WINDOW.num_minutes();
        ledger.enter(vec![attempt(2, "a", minutes, false)], at(minutes));
        assert_eq!(missed(&ledger), [("a", 2)]);
        ledger.enter(vec![], at(minutes + 1));
        assert!(missed(&ledger).is_empty());
        // After a long stop of this process no look goes back further.
        assert_eq!(ledger.horizon(at(minutes * 3)), at(minutes * 2));
    }
}
