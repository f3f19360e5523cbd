//! What the control plane hears while a job goes on: steps and output lines, in order.
//!
//! Nothing here makes the job wait: entries are queued, sent in batches, and when the control plane
//! takes none for long, lines are counted instead of kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::control::{ControlError, Job, LogLine, Stream};
use schemas::run::Step;
use schemas::{Clock, ControlPlane, Epoch, RunId, Untrusted};
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::Worker;
use crate::retry::until_answered;
use crate::stop::{Cause, Interrupt};

/// Lines are gathered for so long, or until there are so many.
const GATHER: Duration = Duration::from_millis(200);
const GATHERED: usize = 64;
/// Bytes of lines in one call. The control plane drops whole calls from a long log, so they are small.
const BATCH: usize = 256 << 10;
/// Bytes of lines that wait at most.
const WAITING: usize = 4 << 20;
/// What a line costs beside its text: a flood of empty lines has to be bounded too.
const LINE: usize = 64;
/// How long the end of a job waits for the last lines.
const FLUSH: Duration = Duration::from_secs(5);

/// The sending end; the sender stops when it is dropped.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    delivered: watch::Receiver<u64>,
    clock: Arc<dyn Clock>,
    _sender: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Notify,
    urgent: Notify,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    accepted: u64,
    dropped: u64,
}

enum Entry {
    Step(Step),
    Line(LogLine),
}

impl Journal {
    /// Starts sending what concerns `job`.
    pub(crate) fn start(worker: &Worker, job: &Job, interrupt: &Arc<Interrupt>) -> Self {
        let shared = Arc::new(Shared::default());
        let (progress, delivered) = watch::channel(0);
        let sender = Sender {
            shared: Arc::clone(&shared),
            control: Arc::clone(&worker.control),
            clock: Arc::clone(&worker.clock),
            interrupt: Arc::clone(interrupt),
            run: job.run,
            epoch: job.epoch,
            progress,
        };
        let sender = AbortOnDropHandle::new(tokio::spawn(sender.run()));
        Self { shared, delivered, clock: Arc::clone(&worker.clock), _sender: sender }
    }

    /// Says what is being done now.
    pub(crate) fn step(&self, step: Step) {
        self.push(Entry::Step(step), 0);
        self.shared.urgent.notify_one();
    }

    /// Adds a line that is redacted already.
    pub(crate) fn line(&self, stream: Stream, text: String) {
        let bytes = text.len() + LINE;
        let line = LogLine { at: self.clock.now(), stream, text: Untrusted::new(text) };
        self.push(Entry::Line(line), bytes);
    }

    /// Waits until all of it is sent, but not for long.
    pub(crate) async fn flush(&self) {
        let target = self.shared.lock().accepted;
        let mut delivered = self.delivered.clone();
        self.shared.urgent.notify_one();
        if tokio::time::timeout(FLUSH, delivered.wait_for(|count| *count >= target)).await.is_err() {
            tracing::warn!("the last log lines could not be delivered in time");
        }
    }

    fn push(&self, entry: Entry, bytes: usize) {
        let mut queue = self.shared.lock();
        if bytes > 0 && queue.bytes + bytes > WAITING {
            queue.dropped += 1;
            return;
        }
        queue.bytes += bytes;
        queue.accepted += 1;
        queue.entries.push_back(entry);
        let many = queue.entries.len() >= GATHERED;
        drop(queue);
        self.shared.more.notify_one();
        if many {
            self.shared.urgent.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sender {
    shared: Arc<Shared>,
    control: Arc<dyn ControlPlane>,
    clock: Arc<dyn Clock>,
    interrupt: Arc<Interrupt>,
    run: RunId,
    epoch: Epoch,
    progress: watch::Sender<u64>,
}

impl Sender {
    async fn run(self) {
        loop {
            self.shared.more.notified().await;
            tokio::select! {
                () = self.shared.urgent.notified() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
            while let Some((steps, lines)) = self.take() {
                let count = steps.len() + lines.len();
                for step in steps {
                    self.send(|| self.control.step(self.run, self.epoch, step)).await;
                }
                if !lines.is_empty() {
                    self.send(|| self.control.log(self.run, self.epoch, lines.clone())).await;
                }
                self.progress.send_modify(|delivered| *delivered += count as u64);
            }
        }
    }

    /// The next steps and the lines after them, up to the following step.
    fn take(&self) -> Option<(Vec<Step>, Vec<LogLine>)> {
        let mut queue = self.shared.lock();
        let (mut steps, mut lines) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        while bytes < BATCH {
            match queue.entries.pop_front() {
                Some(Entry::Step(step)) if lines.is_empty() => steps.push(step),
                Some(Entry::Line(line)) => {
                    bytes += line.text.expose().len() + LINE;
                    lines.push(line);
                }
                Some(step) => {
                    queue.entries.push_front(step);
                    break;
                }
                None => break,
            }
        }
        queue.bytes = queue.bytes.saturating_sub(bytes);
        let dropped = std::mem::take(&mut queue.dropped);
        if dropped > 0 {
            let text = format!("{dropped} lines are missing here: the control plane took none for too long");
            queue.accepted += 1;
            lines.push(LogLine { at: self.clock.now(), stream: Stream::Worker, text: Untrusted::new(text) });
        }
        (!steps.is_empty() || !lines.is_empty()).then_some((steps, lines))
    }

    async fn send<F>(&self, call: impl FnMut() -> F)
    where
        F: Future<Output = Result<(), ControlError>>,
    {
        match until_answered(self.clock.as_ref(), self.interrupt.fatal(), call).await {
            Some(Err(ControlError::StaleEpoch)) => self.interrupt.raise(Cause::Lost),
            Some(Err(ControlError::Cancelled)) => self.interrupt.raise(Cause::Cancelled),
            Some(Err(error)) => tracing::warn!(run = %self.run, %error, "the control plane refused a note"),
            Some(Ok(())) | None => {}
        }
    }
}
