//! What one transaction holds.

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::consume::ConsumeError;
use crate::publish::PublishError;

/// Rows in one transaction.
const MAX_ROWS: usize = 256;
/// Bytes in one transaction; a larger message has one to itself.
const MAX_BYTES: usize = 2 << 20;

/// What the writer is asked for.
pub(super) enum Command {
    Publish(Row),
    Ack { up_to: i64, answer: oneshot::Sender<Result<(), ConsumeError>> },
    Close,
}

/// A message to be stored, and who waits for it.
pub(super) struct Row {
    pub received_at: i64,
    pub message: Vec<u8>,
    pub answer: oneshot::Sender<Result<(), PublishError>>,
    /// Given back when the message leaves memory.
    pub _room: OwnedSemaphorePermit,
}

/// The commands of one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub rows: Vec<Row>,
    pub bytes: usize,
    /// The highest position to forget.
    pub ack: Option<i64>,
    pub ackers: Vec<oneshot::Sender<Result<(), ConsumeError>>>,
    /// Nothing comes after this batch.
    pub last: bool,
}

impl Batch {
    /// Takes `command`, or gives it back when it does not fit.
    fn add(&mut self, command: Command) -> Option<Command> {
        match command {
            // Who waited has gone, and has told the sender to try again.
            Command::Publish(row) if row.answer.is_closed() => {}
            Command::Publish(row) => {
                let bytes = self.bytes + row.message.len();
                if self.rows.len() == MAX_ROWS || (bytes > MAX_BYTES && !self.rows.is_empty()) {
                    return Some(Command::Publish(row));
                }
                self.bytes = bytes;
                self.rows.push(row);
            }
            Command::Ack { up_to, answer } => {
                self.ack = self.ack.max(Some(up_to));
                self.ackers.push(answer);
            }
            Command::Close => self.last = true,
        }
        None
    }
}

/// Forms batches from what is waiting.
pub(super) struct Batches {
    commands: mpsc::Receiver<Command>,
    /// Did not fit into the last batch.
    left_over: Option<Command>,
}

impl Batches {
    pub(super) fn new(commands: mpsc::Receiver<Command>) -> Self {
        Self { commands, left_over: None }
    }

    /// Waits for one command and takes those that are there as well; `None` when all handles are gone.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        let first = match self.left_over.take() {
            Some(command) => command,
            None => self.commands.recv().await?,
        };
        let mut batch = Batch::default();
        self.left_over = batch.add(first);
        // No waiting for more: what comes while this is written makes up the next batch, and the
        // disk would stand still meanwhile.
        while self.left_over.is_none()
            && !batch.last
            && let Ok(command) = self.commands.try_recv()
        {
            self.left_over = batch.add(command);
        }
        if batch.last {
            // What was sent before the end was seen is refused by dropping it with the channel.
            self.commands.close();
        }
        Some(batch)
    }
}
