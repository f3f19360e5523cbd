//! Who has one of a listener's places, and who has to give it up.
//!
//! A connection that lets us wait (between two requests, in a header, in a body) may lose its place
//! to a new one, who has waited longest first. So neither thousands of idle connections nor thousands
//! of slow ones keep a sender out. A connection that we work for is never cut off.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// States of a holder; any other number says since when we wait for it.
const WORKING: u64 = 0;
const DISPLACED: u64 = u64::MAX;

/// The places of one listener.
#[derive(Debug)]
pub(crate) struct Places {
    limit: usize,
    /// Counts the beginnings of waits, so that waits have an order without a clock.
    waits: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    held: HashMap<u64, Arc<Holder>>,
    /// Who waited when it was last filled, longest at the end. Later waits are all shorter, so
    /// its end stays the longest of all until it is used up.
    longest: Vec<(u64, Arc<Holder>)>,
}

/// What is known of a connection that has a place.
#[derive(Debug)]
pub(crate) struct Holder {
    id: u64,
    state: AtomicU64,
    leave: Notify,
    places: Arc<Places>,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place(pub(crate) Arc<Holder>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.lock().held.remove(&self.0.id);
    }
}

impl Places {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, waits: AtomicU64::new(WORKING), table: Mutex::default() })
    }

    /// A free place, or that of the connection that lets us wait longest; `None` when we work for
    /// all of them. The second value says whether somebody had to go.
    pub(crate) fn take(self: &Arc<Self>) -> Option<(Place, bool)> {
        let mut table = self.lock();
        let full = table.held.len() >= self.limit;
        if full && !table.displace() {
            return None;
        }
        table.last_id += 1;
        let id = table.last_id;
        let state = AtomicU64::new(self.next_wait());
        let holder = Arc::new(Holder { id, state, leave: Notify::new(), places: Arc::clone(self) });
        table.held.insert(id, Arc::clone(&holder));
        drop(table);
        Some((Place(holder), full))
    }

    /// Closes the connection that lets us wait longest; whether there was one.
    pub(crate) fn displace(&self) -> bool {
        self.lock().displace()
    }

    fn next_wait(&self) -> u64 {
        self.waits.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn displace(&mut self) -> bool {
        self.displace_listed() || {
            let waiting = self.held.values().filter_map(|holder| {
                let state = holder.state.load(Ordering::Acquire);
                (state != WORKING && state != DISPLACED).then(|| (state, Arc::clone(holder)))
            });
            self.longest = waiting.collect();
            self.longest.sort_unstable_by_key(|(since, _)| Reverse(*since));
            self.displace_listed()
        }
    }

    fn displace_listed(&mut self) -> bool {
        while let Some((since, holder)) = self.longest.pop() {
            // Who has done something since then, or has gone, is passed over.
            if self.held.contains_key(&holder.id) && holder.change(since, DISPLACED) {
                self.held.remove(&holder.id);
                holder.leave.notify_one();
                return true;
            }
        }
        false
    }
}

impl Holder {
    /// From now on we work for it; `false` when its place is gone.
    pub(crate) fn work(&self) -> bool {
        self.enter(WORKING)
    }

    /// From now on it lets us wait.
    pub(crate) fn wait(&self) {
        self.enter(self.places.next_wait());
    }

    /// Waits until its place is gone.
    pub(crate) async fn displaced(&self) {
        self.leave.notified().await;
    }

    fn enter(&self, state: u64) -> bool {
        let keep = |now| (now != DISPLACED).then_some(state);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, keep).is_ok()
    }

    fn change(&self, from: u64, to: u64) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_longest_goes_first_and_who_is_worked_for_stays() {
        let places = Places::new(3);
        let mut held: Vec<Place> = (0..3).map(|_| places.take().unwrap().0).collect();
        // The oldest has begun a new wait, the second is worked for: the third waits longest.
        held[0].0.wait();
        assert!(held[1].0.work());
        let (fourth, displaced) = places.take().unwrap();
        assert!(displaced);
        held[2].0.displaced().await;
        assert!(!held[2].0.work(), "its place is gone for good");
        held[2].0.wait();
        assert!(!held[2].0.work());

        drop(held.remove(2));
        assert!(fourth.0.work());
        // The first had been listed with a wait that is over.
        held[0].0.wait();
        assert!(places.take().unwrap().1);
        held[0].0.displaced().await;
    }

    #[test]
    fn a_place_that_is_given_back_is_free_once() {
        let places = Places::new(2);
        let (one, displaced) = places.take().unwrap();
        assert!(!displaced);
        let (two, _) = places.take().unwrap();
        assert!(one.0.work() && two.0.work());
        assert!(places.take().is_none());
        assert!(!places.displace());
        drop(one);
        let (three, displaced) = places.take().unwrap();
        assert!(!displaced && three.0.work());
        assert!(places.take().is_none());
        two.0.wait();
        assert!(places.displace() && !places.displace());
        // Its connection ends later; the place was free before.
        let (four, displaced) = places.take().unwrap();
        assert!(!displaced && four.0.work());
        drop(two);
        assert!(places.take().is_none());
    }
}
