//! How a connection is, for `/readyz` and metrics: cheap to read, written by the part that has it.

use std::fmt;

use tokio::sync::watch;

/// How one publisher or consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it works.
    pub state: State,
    /// Messages of a newer version that are held back, unacked, until this part is upgraded.
    pub held: usize,
}

/// Whether it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The first connection is being made.
    Starting,
    /// It works.
    Ready,
    /// Connected, but RabbitMQ takes nothing: it is short of memory or disk.
    Blocked(String),
    /// Connected, but there is nothing to publish to or read from.
    NoQueue(String),
    /// Not connected, and why.
    Down(String),
}

impl Health {
    pub(super) fn channel() -> (watch::Sender<Self>, watch::Receiver<Self>) {
        watch::channel(Self { state: State::Starting, held: 0 })
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready && self.held == 0
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Starting => write!(f, "connecting to RabbitMQ")?,
            State::Ready => write!(f, "connected to RabbitMQ")?,
            State::Blocked(why) => {
                write!(f, "RabbitMQ takes no messages ({why}); give it memory or disk space")?;
            }
            State::NoQueue(why) | State::Down(why) => f.write_str(why)?,
        }
        match self.held {
            0 => Ok(()),
            held => write!(f, "; {held} messages of a newer version wait until this part is upgraded"),
        }
    }
}

/// Writes a state when it is another one than before, and says so in the log.
pub(super) fn set(health: &watch::Sender<Health>, state: State) {
    let changed = health.send_if_modified(|now| {
        let changed = now.state != state;
        now.state = state;
        changed
    });
    if changed {
        let now = health.borrow();
        match &now.state {
            State::Starting | State::Ready => tracing::info!("{}", *now),
            State::Blocked(_) | State::NoQueue(_) | State::Down(_) => tracing::warn!("{}", *now),
        }
    }
}
