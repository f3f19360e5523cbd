//! What RabbitMQ refuses, in two sentences: what is wrong and where, and what to do.

use std::borrow::Cow;
use std::io;

use lapin::ErrorKind;
use lapin::types::ReplyCode;

use super::connect::Stage;
use super::settings::AmqpSettings;

/// Reply codes (AMQP 0-9-1, section 1.2 of the XML reference).
const ACCESS_REFUSED: ReplyCode = 403;
const NOT_FOUND: ReplyCode = 404;
const PRECONDITION_FAILED: ReplyCode = 406;
const NOT_ALLOWED: ReplyCode = 530;

/// Why something cannot be done on RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmqpError {
    /// No connection.
    #[error("RabbitMQ at {host} cannot be reached: {because}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        because: String,
    },
    /// A connection, but no answer.
    #[error("RabbitMQ at {host} does not answer")]
    Silent {
        /// Host and port.
        host: String,
    },
    /// The encrypted connection fails.
    #[error("the TLS connection to RabbitMQ at {host} failed: {because}")]
    Tls {
        /// Host and port.
        host: String,
        /// The TLS library's words.
        because: String,
    },
    /// User and password do not fit.
    #[error("RabbitMQ at {host} refuses the user `{user}`")]
    Credentials {
        /// Host and port.
        host: String,
        /// Who asked.
        user: String,
    },
    /// No such virtual host.
    #[error("there is no virtual host `{vhost}` in RabbitMQ")]
    NoVhost {
        /// Its name.
        vhost: String,
    },
    /// The user has no business in the virtual host.
    #[error("the user `{user}` may not use the virtual host `{vhost}`")]
    VhostRefused {
        /// Who asked.
        user: String,
        /// The virtual host.
        vhost: String,
    },
    /// The user may not do this.
    #[error("the user `{user}` may not do this: {because}")]
    Permission {
        /// Who asked.
        user: String,
        /// RabbitMQ's words.
        because: String,
    },
    /// What is to be used does not exist.
    #[error("RabbitMQ does not have what the dispatcher makes there ({because})")]
    Missing {
        /// RabbitMQ's words.
        because: String,
    },
    /// It exists, as something else.
    #[error("RabbitMQ has it otherwise: {because}")]
    Mismatch {
        /// RabbitMQ's words.
        because: String,
    },
    /// Older than 3.10.
    #[error("RabbitMQ {version} is too old")]
    TooOld {
        /// What runs there.
        version: String,
    },
    /// A name or value that AMQP cannot carry.
    #[error("`{0}` is too long for a name in RabbitMQ")]
    Name(String),
    /// The connection ended.
    #[error("the connection to RabbitMQ was lost: {0}")]
    Lost(String),
}

/// Whom an error concerns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub host: &'a str,
    pub user: &'a str,
    pub vhost: &'a str,
}

impl AmqpError {
    pub(super) fn from_lapin(error: &lapin::Error, asked: Asked<'_>) -> Self {
        let (host, user, vhost) = (asked.host.to_owned(), asked.user.to_owned(), asked.vhost.to_owned());
        match error.kind() {
            ErrorKind::ProtocolError(refusal) => {
                let because = refusal.get_message().to_string();
                match refusal.get_id() {
                    ACCESS_REFUSED if because.contains("Login was refused") => {
                        Self::Credentials { host, user }
                    }
                    ACCESS_REFUSED => Self::Permission { user, because },
                    NOT_FOUND => Self::Missing { because },
                    PRECONDITION_FAILED => Self::Mismatch { because },
                    NOT_ALLOWED if because.contains("not found") => Self::NoVhost { vhost },
                    NOT_ALLOWED if because.contains("refused") => Self::VhostRefused { user, vhost },
                    _ => Self::Lost(because),
                }
            }
            ErrorKind::IOError(error) => match Stage::of(error) {
                Some(Stage::Tcp(error)) => Self::Unreachable { host, because: error.to_string() },
                Some(Stage::Tls(error)) => Self::Tls { host, because: error.to_string() },
                None => Self::Lost(error.to_string()),
            },
            _ => Self::Lost(error.to_string()),
        }
    }

    pub(super) fn of(error: &lapin::Error, settings: &AmqpSettings) -> Self {
        let AmqpSettings { address, .. } = settings;
        let host = address.to_string();
        Self::from_lapin(error, Asked { host: &host, user: &address.user, vhost: &address.vhost })
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Cow<'static, str> {
        let text = match self {
            Self::Unreachable { .. } => "check that it runs there and that this machine may connect",
            Self::Silent { .. } => "check that the port is its AMQP port and that it is not overloaded",
            Self::Tls { .. } => {
                "check that the port is the one for amqps, that the certificate is for this host and that \
                 its CA is configured"
            }
            Self::Credentials { user, .. } => {
                return format!(
                    "check user and password (rabbitmqctl authenticate_user {user}). `guest` may log in \
                     from the broker's own machine only"
                )
                .into();
            }
            Self::NoVhost { vhost } => {
                return format!("correct the address, or make it: rabbitmqctl add_vhost {vhost}").into();
            }
            Self::VhostRefused { user, vhost } => {
                return format!("allow it: rabbitmqctl set_permissions -p {vhost} {user} …").into();
            }
            Self::Permission { .. } => "see the permissions in the documentation",
            Self::Missing { .. } => "start the dispatcher first",
            Self::Mismatch { .. } => {
                "if it is no queue of Pullwright's, use another virtual host, else stop ingress, let the \
                 dispatcher empty the queue, delete it and start again"
            }
            Self::TooOld { .. } => "3.10 is the oldest that works",
            Self::Name(_) => "at most 200 bytes fit",
            Self::Lost(_) => "its log says more",
        };
        text.into()
    }

    /// What is wrong and what to do about it, on one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        format!("{self}; {}", self.remedy())
    }

    /// Whether another host may do better.
    pub(super) fn is_of_one_host(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Silent { .. } | Self::Tls { .. } | Self::Lost(_))
    }
}

/// RabbitMQ's words on a message that is larger than it takes, with its limit in bytes.
pub(super) fn message_limit(error: &lapin::Error) -> Option<usize> {
    let ErrorKind::ProtocolError(refusal) = error.kind() else { return None };
    let words = refusal.get_message().as_str();
    if refusal.get_id() != PRECONDITION_FAILED || !words.contains("message size") {
        return None;
    }
    words.rsplit(' ').find_map(|word| word.parse().ok())
}

/// Whether a request was refused for its form, not for who made it.
pub(super) fn is_malformed(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(refusal) if refusal.get_id() == PRECONDITION_FAILED)
}

/// A failed attempt to connect, with the stage it failed at.
pub(super) fn at_stage(stage: Stage) -> lapin::Error {
    io::Error::other(stage).into()
}
