//! The publisher: keeps a connection, and answers at once while there is none.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use schemas::Delivery;
use schemas::backoff::Backoff;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::publish::{PublishError, Publisher};

use super::connect::{CONNECT, Link, connect};
use super::error::AmqpError;
use super::health::{Health, State, set};
use super::lane::{End, Lane, Request};
use super::message;
use super::settings::{AmqpSettings, Topology};
use super::topology::{self, DELIVERIES};

/// Messages that RabbitMQ has not confirmed. Enough to keep it busy, few enough to lose little time
/// with when the connection goes.
const IN_FLIGHT: usize = 2048;
/// Their size; beyond it publishers wait. Bounds memory when large bodies come at once.
const IN_FLIGHT_KIB: u32 = 64 * 1024;
/// Waits between attempts to connect.
pub(super) const RECONNECT: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(5) };

/// Publishes deliveries to RabbitMQ. Dropping it ends the connection once all is confirmed.
#[derive(Debug)]
pub struct AmqpPublisher {
    requests: mpsc::Sender<Request>,
    messages: Arc<Semaphore>,
    kib: Arc<Semaphore>,
    health: watch::Receiver<Health>,
    deadline: Duration,
    max_message: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl AmqpPublisher {
    /// Begins to connect, and goes on whenever the connection is lost.
    #[must_use]
    pub fn start(settings: AmqpSettings, topology: Topology) -> Self {
        let (sender, requests) = mpsc::channel(IN_FLIGHT);
        let (health, watched) = Health::channel();
        let max_message = Arc::new(AtomicUsize::new(settings.limits.max_message));
        let deadline = settings.deadline;
        let keeper = Keeper { settings, topology, health, max_message: Arc::clone(&max_message) };
        Self {
            requests: sender,
            messages: Arc::new(Semaphore::new(IN_FLIGHT)),
            kib: Arc::new(Semaphore::new(IN_FLIGHT_KIB as usize)),
            health: watched,
            deadline,
            max_message,
            task: tokio::spawn(keeper.keep(requests)),
        }
    }

    /// How it is; changes wake who watches.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Waits for what is under way, and closes the connection.
    pub async fn close(self) {
        drop(self.requests);
        if let Err(error) = self.task.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the publisher failed");
        }
    }

    async fn hand_over(&self, message: message::Message) -> Result<(), PublishError> {
        let kib = u32::try_from(message.payload.len().div_ceil(1024)).unwrap_or(IN_FLIGHT_KIB);
        let kib = Arc::clone(&self.kib).acquire_many_owned(kib.min(IN_FLIGHT_KIB)).await.map_err(closed)?;
        let one = Arc::clone(&self.messages).acquire_owned().await.map_err(closed)?;
        let (answer, answered) = oneshot::channel();
        let request = Request { message, answer, room: (one, kib) };
        self.requests.send(request).await.map_err(closed)?;
        answered.await.map_err(closed)?
    }

    /// Refuses at once what could only wait for its deadline.
    async fn look(&self) -> Result<(), PublishError> {
        if self.health.borrow().state == State::Starting {
            let mut health = self.health.clone();
            health.wait_for(|health| health.state != State::Starting).await.map_err(closed)?;
        }
        let health = self.health.borrow();
        match &health.state {
            State::Blocked(_) | State::Down(_) => Err(PublishError::Unavailable(health.to_string())),
            // A queue may be there again; only trying tells.
            State::Starting | State::Ready | State::NoQueue(_) => Ok(()),
        }
    }
}

fn closed<E>(_: E) -> PublishError {
    PublishError::Unavailable("it is closed".to_owned())
}

#[async_trait]
impl Publisher for AmqpPublisher {
    async fn publish(&self, delivery: Delivery) -> Result<(), PublishError> {
        let message =
            message::write(delivery).map_err(|error| PublishError::Unavailable(error.to_string()))?;
        let (size, limit) = (message.payload.len(), self.max_message.load(Ordering::Relaxed));
        if size > limit {
            return Err(PublishError::TooLarge { size, limit });
        }
        let publish = async {
            self.look().await?;
            self.hand_over(message).await
        };
        timeout(self.deadline, publish).await.unwrap_or_else(|_| {
            let why = format!("RabbitMQ did not confirm within {:?}", self.deadline);
            Err(PublishError::Unavailable(why))
        })
    }
}

/// What keeps the connection.
struct Keeper {
    settings: AmqpSettings,
    topology: Topology,
    health: watch::Sender<Health>,
    max_message: Arc<AtomicUsize>,
}

impl Keeper {
    async fn keep(self, mut requests: mpsc::Receiver<Request>) {
        let mut attempt = 0;
        loop {
            let Some(opened) = self.refusing(&mut requests, self.open()).await else { return };
            match opened {
                Ok((connection, channel)) => {
                    attempt = 0;
                    let events = connection.events_listener();
                    set(&self.health, State::Ready);
                    match Lane::new(&channel, &self.health).run(&mut requests, Box::pin(events)).await {
                        End::Closed => {
                            // A broker that does not answer must not hold up a shutdown.
                            let _ = timeout(CONNECT, connection.close(200, "".into())).await;
                            return;
                        }
                        End::TooLarge(limit) => {
                            self.max_message.fetch_min(limit, Ordering::Relaxed);
                            tracing::warn!(limit, "RabbitMQ takes smaller messages than is configured");
                        }
                        End::Lost(error) => self.note(&AmqpError::of(&error, &self.settings)),
                    }
                }
                Err(error) => self.note(&error),
            }
            let delay = RECONNECT.delay(attempt, u16::MAX);
            attempt = attempt.saturating_add(1);
            if self.refusing(&mut requests, tokio::time::sleep(delay)).await.is_none() {
                return;
            }
        }
    }

    async fn open(&self) -> Result<(Link, Channel), AmqpError> {
        let connection = connect(&self.settings).await?;
        let prepare = async {
            match self.topology {
                Topology::Declare => topology::declare_deliveries(&connection, &self.settings).await?,
                Topology::Expect => {
                    let queue = DELIVERIES.into();
                    topology::expect(&connection, &self.settings, Some(DELIVERIES), &queue).await?;
                }
            }
            let channel = async {
                let channel = connection.create_channel().await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                Ok(channel)
            };
            channel.await.map_err(|error| AmqpError::of(&error, &self.settings))
        };
        let silent = || AmqpError::Silent { host: self.settings.address.to_string() };
        let channel = timeout(CONNECT, prepare).await.map_err(|_| silent())??;
        Ok((connection, channel))
    }

    fn note(&self, error: &AmqpError) {
        let state = match error {
            AmqpError::Missing { .. } => State::NoQueue,
            _ => State::Down,
        };
        set(&self.health, state(error.in_full()));
    }

    /// Runs `work`, refusing what comes meanwhile; `None` when nobody can publish any more.
    async fn refusing<T>(
        &self,
        requests: &mut mpsc::Receiver<Request>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                request = requests.recv() => {
                    let error = PublishError::Unavailable(self.health.borrow().to_string());
                    let _ = request?.answer.send(Err(error));
                }
            }
        }
    }
}
