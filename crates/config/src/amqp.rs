//! `broker: amqps://…`

use std::path::{Path, PathBuf};

use schemas::amqp::Address;
use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::layer::section;
use crate::secret::SecretRef;
use crate::size::Size;
use crate::yaml::{Place, Placed, Sources, YamlError, refusal_of_secret};

/// Deliveries on RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amqp {
    /// Where it is, and as whom.
    pub address: Address,
    /// The user's password; none where the address names no user, who then is `guest`.
    pub password: Option<SecretRef>,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Deliveries that may wait; more are refused, and senders hear 503.
    pub max_messages: u32,
    /// Their bytes, as stored.
    pub max_bytes: u64,
}

section! {
    /// `broker: { amqp: { … } }`
    AmqpFile {
        address: Option<Placed<Login>>,
        ca_file: Option<PathBuf>,
        max_messages: Option<Placed<u32>>,
        max_bytes: Option<Placed<Size>>,
    }
}

/// An address, and where its password is.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) address: Address,
    password: Option<SecretRef>,
}

impl Login {
    /// Where its password is, with the place where that is said.
    pub(crate) fn password_at(&self, place: Option<Place>) -> Option<SecretRef> {
        self.password.clone().map(|value| SecretRef::placed(&Placed { value, place }))
    }

    /// Reads an address. No message repeats it: somebody may have written a password into it.
    pub(crate) fn parse<E: de::Error>(text: &str) -> Result<Self, E> {
        let refuse = |wrong| refusal_of_secret(wrong, "write amqps://USER:${env:PASSWORD}@HOST,HOST/VHOST");
        let (address, password) = Address::read(text).map_err(refuse)?;
        Ok(Self { address, password: password.map(SecretRef::parse).transpose()? })
    }
}

impl<'de> Deserialize<'de> for Login {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?)
    }
}

impl Placed<AmqpFile> {
    /// The section, checked. Paths start from `folder`.
    pub(crate) fn build(&self, folder: &Path, sources: &Sources) -> Result<Amqp, Box<YamlError>> {
        let AmqpFile { address, ca_file, max_messages, max_bytes } = &self.value;
        let Some(Placed { value: login @ Login { address, .. }, place }) = address else {
            let error = sources.error_at(self.place, "the address of RabbitMQ is missing");
            return Err(error.with_help("add `address: amqps://USER:${env:PASSWORD}@HOST/VHOST`").boxed());
        };
        let no_messages = max_messages.as_ref().filter(|most| most.value == 0).map(|most| most.place);
        let no_bytes = max_bytes.as_ref().filter(|most| most.value.0 == 0).map(|most| most.place);
        if let Some(none) = no_messages.or(no_bytes) {
            let error = sources.error_at(none, "a queue without room takes nothing");
            return Err(error.with_help("choose more, or leave it out").boxed());
        }
        if let Some(ca_file) = ca_file.as_ref().filter(|_| !address.tls) {
            let error = sources.error_at(*place, "a connection without TLS shows no certificate");
            let help = format!("write amqps://…, or leave out `ca_file: {}`", ca_file.display());
            return Err(error.with_help(help).boxed());
        }
        Ok(Amqp {
            address: address.clone(),
            password: login.password_at(*place),
            ca_file: ca_file.as_ref().map(|path| folder.join(path)),
            max_messages: max_messages.as_ref().map_or(1_000_000, |most| most.value),
            max_bytes: max_bytes.as_ref().map_or(4 << 30, |most| most.value.0),
        })
    }
}
