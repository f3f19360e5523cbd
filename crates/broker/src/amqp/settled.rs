//! Taking confirms together, because of where the library puts returned messages.
//!
//! RabbitMQ returns an unroutable message before it confirms it, perhaps with others in between.
//! The library (lapin 4.12, `Acknowledgements::complete_pending`) hands the returned message to
//! whichever confirm it completes next, not to the message's own. Believing a confirm by itself
//! could so report a lost message as stored. What holds is the order: the confirm that carries a
//! returned message is completed no later than that message's own. So everything that is complete
//! is taken before any of it is believed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;

/// All outcomes that are there, at least one; waits for the first. Dropping the future loses nothing.
/// The futures must not end their turn by tokio's budget: that too looks like an early stop.
pub(super) async fn settled<F: Future>(in_flight: &mut FuturesUnordered<F>) -> Vec<F::Output> {
    std::future::poll_fn(|context| {
        let outcomes = take_complete(in_flight, context);
        if outcomes.is_empty() { Poll::Pending } else { Poll::Ready(outcomes) }
    })
    .await
}

fn take_complete<F: Future>(
    in_flight: &mut FuturesUnordered<F>,
    context: &mut Context<'_>,
) -> Vec<F::Output> {
    // The set may stop early to let others run; it then wakes itself. Only a stop without that
    // means that nothing complete is left.
    let stopped = Arc::new(Stopped { woken: AtomicBool::new(false), task: context.waker().clone() });
    let waker = Waker::from(Arc::clone(&stopped));
    let mut context = Context::from_waker(&waker);
    let mut outcomes = Vec::new();
    loop {
        match Pin::new(&mut *in_flight).poll_next(&mut context) {
            Poll::Ready(Some(outcome)) => outcomes.push(outcome),
            Poll::Ready(None) => return outcomes,
            Poll::Pending if stopped.woken.swap(false, Ordering::SeqCst) => {}
            Poll::Pending => return outcomes,
        }
    }
}

/// Remembers a wake-up, and passes it on.
struct Stopped {
    woken: AtomicBool,
    task: Waker,
}

impl Wake for Stopped {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tokio::task::unconstrained;

    use super::*;

    #[tokio::test]
    async fn what_completes_before_another_is_seen_with_it_or_before() {
        // Many rounds on two threads: the second completes last, and is never seen without the first.
        for round in 0..2_000u32 {
            let (first_done, first) = oneshot::channel();
            let (second_done, second) = oneshot::channel();
            let mut in_flight = FuturesUnordered::new();
            let mut others = Vec::new();
            for other in 0..round % 7 {
                let (done, waiting) = oneshot::channel();
                others.push((other, done));
                in_flight.push(unconstrained(waiting));
            }
            // Whichever is polled first.
            if round % 2 == 0 {
                in_flight.push(unconstrained(first));
                in_flight.push(unconstrained(second));
            } else {
                in_flight.push(unconstrained(second));
                in_flight.push(unconstrained(first));
            }
            let completing = std::thread::spawn(move || {
                for (other, done) in others {
                    let _ = done.send(10 + other);
                }
                let _ = first_done.send(1);
                let _ = second_done.send(2);
            });
            let mut seen = Vec::new();
            while !in_flight.is_empty() {
                let together: Vec<u32> =
                    settled(&mut in_flight).await.into_iter().map(Result::unwrap).collect();
                if together.contains(&2) {
                    assert!(seen.contains(&1) || together.contains(&1), "round {round}: {together:?}");
                }
                seen.extend(together);
            }
            completing.join().unwrap();
        }
    }
}
