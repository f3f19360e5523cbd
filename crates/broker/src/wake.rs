//! Wake-ups for workers, in memory: the database is the truth about runs, this only saves polling.
//!
//! A wake-up reaches every worker of a pool and is never lost: who was busy finds it when he asks
//! next. A needless one is harmless, as claiming then finds nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// All pools of one process.
#[derive(Debug, Clone, Default)]
pub struct WakeUps {
    pools: Arc<Mutex<BTreeMap<String, watch::Sender<u64>>>>,
    any: watch::Sender<()>,
}

impl WakeUps {
    /// Tells the workers of `pool` that there may be work.
    pub fn wake(&self, pool: &str) {
        self.with(pool, ring);
        self.any.send_replace(());
    }

    /// Tells the workers of every pool that was ever woken or waited in.
    pub fn wake_all(&self) {
        self.lock().values().for_each(ring);
        self.any.send_replace(());
    }

    /// What a worker of `pool` waits on; sees wake-ups from now on.
    #[must_use]
    pub fn waker(&self, pool: &str) -> Waker {
        self.with(pool, |count| Waker { count: count.subscribe() })
    }

    /// What passes the wake-ups of all pools on; begins with every pool there is.
    #[must_use]
    pub fn follow(&self) -> Follower {
        Follower { wake_ups: self.clone(), any: self.any.subscribe(), seen: BTreeMap::new() }
    }

    fn with<T>(&self, pool: &str, act: impl FnOnce(&watch::Sender<u64>) -> T) -> T {
        act(self.lock().entry(pool.to_owned()).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, watch::Sender<u64>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ring(count: &watch::Sender<u64>) {
    count.send_modify(|count| *count = count.wrapping_add(1));
}

/// Follows all pools.
#[derive(Debug)]
pub struct Follower {
    wake_ups: WakeUps,
    any: watch::Receiver<()>,
    seen: BTreeMap<String, u64>,
}

impl Follower {
    /// The pools that were woken since the last return. Dropping the future loses none.
    pub async fn woken(&mut self) -> Vec<String> {
        loop {
            // From before the look, so that no wake-up falls between look and wait.
            self.any.mark_unchanged();
            let woken = self.changed();
            if !woken.is_empty() {
                return woken;
            }
            // Its sender is in `wake_ups`.
            let _ = self.any.changed().await;
        }
    }

    fn changed(&mut self) -> Vec<String> {
        let pools = self.wake_ups.lock();
        let mut woken = Vec::new();
        for (pool, count) in pools.iter() {
            let count = *count.borrow();
            if self.seen.insert(pool.clone(), count) != Some(count) {
                woken.push(pool.clone());
            }
        }
        woken
    }
}

/// One worker's side.
#[derive(Debug)]
pub struct Waker {
    count: watch::Receiver<u64>,
}

impl Waker {
    /// Returns once there was a wake-up since the last return. Dropping the future loses none.
    pub async fn woken(&mut self) {
        if self.count.changed().await.is_err() {
            // Nobody is left who could wake; the caller's own timeout or stop ends the wait.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn every_worker_of_the_pool_is_woken_once_and_no_other() {
        let wake_ups = WakeUps::default();
        let (mut one, mut two) = (wake_ups.waker("default"), wake_ups.waker("default"));
        let mut other = wake_ups.waker("gpu");
        wake_ups.wake("default");
        wake_ups.wake("default");
        one.woken().await;
        two.woken().await;
        assert!(one.woken().now_or_never().is_none());
        assert!(other.woken().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_follower_hears_of_every_pool_once() {
        let wake_ups = WakeUps::default();
        wake_ups.wake("default");
        let mut follower = wake_ups.follow();
        assert_eq!(follower.woken().await, ["default"]);
        assert!(follower.woken().now_or_never().is_none());
        let mut waker = wake_ups.waker("gpu");
        wake_ups.wake_all();
        waker.woken().await;
        assert_eq!(follower.woken().await, ["default", "gpu"]);
        wake_ups.wake("gpu");
        wake_ups.wake("gpu");
        assert_eq!(follower.woken().await, ["gpu"]);
        assert!(follower.woken().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_wake_up_while_busy_is_not_lost() {
        let wake_ups = WakeUps::default();
        let mut waker = wake_ups.waker("default");
        wake_ups.wake("default");
        waker.woken().await;
        wake_ups.wake("default");
        drop(wake_ups);
        waker.woken().await;
    }
}
