//! Publishing on one channel: many messages under way, each with its own answer.
//!
//! One task owns the channel, so that the library numbers messages in the order it sends them;
//! numbered on two threads, a confirm could be taken for another message's.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{Channel, Confirmation, Event};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::publish::PublishError;

use super::error::{AmqpError, message_limit};
use super::health::{Health, State, set};
use super::message::Message;
use super::settled::settled;
use super::topology::DELIVERIES;

/// Messages that are taken over at once.
const TAKEN_AT_ONCE: usize = 256;

/// A message, and who waits for it.
pub(super) struct Request {
    pub message: Message,
    pub answer: Answer,
    /// Given back when RabbitMQ has settled it, whoever still waits: this is what bounds the
    /// messages in the library's memory.
    pub room: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

pub(super) type Answer = oneshot::Sender<Result<(), PublishError>>;

/// A message whose fate is known.
struct Settled {
    number: u64,
    id: ShortString,
    outcome: lapin::Result<Confirmation>,
}

/// Why a lane ended.
pub(super) enum End {
    /// Nobody can publish any more.
    Closed,
    /// Another connection is needed.
    Lost(lapin::Error),
    /// A message was larger than the broker takes; it says how many bytes that is.
    TooLarge(usize),
}

/// One channel in confirm mode.
pub(super) struct Lane<'a> {
    channel: &'a Channel,
    health: &'a watch::Sender<Health>,
    waiting: HashMap<u64, Answer>,
    /// Returned as unroutable, and not confirmed yet.
    returned: HashSet<String>,
    next_number: u64,
    blocked: bool,
    /// The last message that was settled found no queue.
    unbound: bool,
}

impl<'a> Lane<'a> {
    pub(super) fn new(channel: &'a Channel, health: &'a watch::Sender<Health>) -> Self {
        let (waiting, returned) = (HashMap::new(), HashSet::new());
        Self { channel, health, waiting, returned, next_number: 0, blocked: false, unbound: false }
    }

    /// Publishes what comes until the channel fails; then everything that waits is answered.
    pub(super) async fn run(
        mut self,
        requests: &mut mpsc::Receiver<Request>,
        mut events: impl Stream<Item = Event> + Unpin,
    ) -> End {
        let mut in_flight = FuturesUnordered::new();
        let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
        let end = loop {
            tokio::select! {
                count = requests.recv_many(&mut taken, TAKEN_AT_ONCE) => {
                    if count == 0 {
                        break End::Closed;
                    }
                    for request in taken.drain(..) {
                        if let Some(request) = self.accept(request) {
                            in_flight.push(send(self.channel, self.next_number, request));
                        }
                    }
                }
                outcomes = settled(&mut in_flight), if !in_flight.is_empty() => {
                    if let Some(error) = self.answer(outcomes) {
                        break End::of(error);
                    }
                }
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(why)) => self.block(why),
                    Some(Event::ConnectionUnblocked) => self.unblock(),
                    Some(Event::Error(error)) => break End::of(error),
                    Some(_) => {}
                    None => break End::Lost(lapin::ErrorKind::MissingHeartbeatError.into()),
                },
            }
        };
        if matches!(end, End::Closed) {
            while !in_flight.is_empty() {
                let outcomes = settled(&mut in_flight).await;
                self.answer(outcomes);
            }
        }
        let why = "RabbitMQ was lost before it confirmed; the delivery may or may not be stored";
        self.refuse_all(&PublishError::Unavailable(why.to_owned()));
        end
    }

    /// Numbers a request that is to be sent.
    fn accept(
        &mut self,
        request: Request,
    ) -> Option<(Message, (OwnedSemaphorePermit, OwnedSemaphorePermit))> {
        let Request { message, answer, room } = request;
        if answer.is_closed() {
            // Who waited has gone, and has told the sender to try again.
            return None;
        }
        if self.blocked {
            let _ = answer.send(Err(PublishError::Unavailable(self.health.borrow().to_string())));
            return None;
        }
        self.next_number += 1;
        self.waiting.insert(self.next_number, answer);
        Some((message, room))
    }

    /// Answers those that are settled; the error that ends the lane, if there is one.
    fn answer(&mut self, outcomes: Vec<Settled>) -> Option<lapin::Error> {
        for settled in &outcomes {
            if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = &settled.outcome
            {
                let id = message.properties.message_id().as_ref();
                // Without an id it is none of ours, and on this channel all are.
                self.returned.extend(id.map(|id| id.as_str().to_owned()));
            }
        }
        let mut failed = None;
        for Settled { number, id, outcome } in outcomes {
            let was_returned = self.returned.remove(id.as_str());
            let answer = match outcome {
                Ok(Confirmation::Ack(_)) if was_returned => Err(self.note_missing_queue()),
                Ok(Confirmation::Ack(_)) => {
                    self.note_stored();
                    Ok(())
                }
                // The length limits refuse so (x-overflow=reject-publish).
                Ok(Confirmation::Nack(_)) => Err(PublishError::Full),
                Ok(Confirmation::NotRequested) => {
                    Err(PublishError::Unavailable("RabbitMQ does not confirm".to_owned()))
                }
                // All others of this channel fail as well.
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            if let Some(waiting) = self.waiting.remove(&number) {
                // Nobody waits any more: the sender was told to try again, and will be a duplicate.
                let _ = waiting.send(answer);
            }
        }
        failed
    }

    fn note_stored(&mut self) {
        if std::mem::take(&mut self.unbound) && !self.blocked {
            set(self.health, State::Ready);
        }
    }

    fn note_missing_queue(&mut self) -> PublishError {
        self.unbound = true;
        let because = format!("nothing is bound to the exchange {DELIVERIES}");
        let sentence = AmqpError::Missing { because }.in_full();
        if !self.blocked {
            set(self.health, State::NoQueue(sentence.clone()));
        }
        PublishError::Unavailable(sentence)
    }

    /// What is under way may be stored once RabbitMQ goes on; nobody can wait for that.
    fn block(&mut self, why: String) {
        self.blocked = true;
        set(self.health, State::Blocked(why));
        let sentence = self.health.borrow().to_string();
        self.refuse_all(&PublishError::Unavailable(sentence));
    }

    fn unblock(&mut self) {
        self.blocked = false;
        set(self.health, State::Ready);
    }

    fn refuse_all(&mut self, error: &PublishError) {
        for (_, answer) in self.waiting.drain() {
            let _ = answer.send(Err(error.clone()));
        }
    }
}

impl End {
    fn of(error: lapin::Error) -> Self {
        match message_limit(&error) {
            Some(limit) => Self::TooLarge(limit),
            None => Self::Lost(error),
        }
    }
}

/// Sends one message and waits for its confirm. The set polls new futures in the order they were
/// added, so messages leave in that order.
async fn send(
    channel: &Channel,
    number: u64,
    (message, _room): (Message, (OwnedSemaphorePermit, OwnedSemaphorePermit)),
) -> Settled {
    let Message { id, payload, properties } = message;
    // Mandatory: without it a message that no queue takes is confirmed and gone.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let outcome = async {
        let publishing = channel.basic_publish(DELIVERIES.into(), "".into(), options, &payload, properties);
        let confirm = publishing.await?;
        // The library has its own copy by now.
        drop(payload);
        confirm.await
    }
    .await;
    Settled { number, id, outcome }
}
