//! Where records and deliveries are kept.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::amqp::{Amqp, AmqpFile, Login};
use crate::layer::{Layer, Part, section};
use crate::postgres::Postgres;
use crate::secret::SecretRef;
use crate::size::Size;
use crate::yaml::{Place, Placed, Sources, YamlError, refusal, refusal_of_secret};

/// The database of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Database {
    /// `store.db` in the data folder.
    #[default]
    Sqlite,
    /// A server of its own.
    Postgres(Postgres),
}

impl Database {
    /// The same, with the place of its secret known and its paths beginning at `folder`.
    pub(crate) fn placed(self, place: Option<Place>, folder: &Path) -> Self {
        match self {
            Self::Sqlite => Self::Sqlite,
            Self::Postgres(postgres) => Self::Postgres(postgres.placed(place, folder)),
        }
    }

    /// Where the password is that it is opened with.
    pub(crate) fn password(&self) -> Option<&SecretRef> {
        match self {
            Self::Sqlite => None,
            Self::Postgres(postgres) => postgres.password.as_ref(),
        }
    }
}

impl<'de> Deserialize<'de> for Database {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "sqlite" => Ok(Self::Sqlite),
            text if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Postgres::parse(text).map(Self::Postgres)
            }
            // An address of a database may hold a password.
            _ => Err(refusal_of_secret(
                "this is no database",
                "write `sqlite`, or postgres://USER:${env:PASSWORD}@HOST/DATABASE",
            )),
        }
    }
}

/// The queue between ingress and dispatcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broker {
    /// `queue.db` in the data folder.
    Embedded {
        /// The largest it may grow, in bytes; beyond it senders hear 503 and try again later.
        max_bytes: u64,
    },
    /// RabbitMQ.
    Amqp(Amqp),
}

impl Broker {
    /// Where the password is that it is used with.
    pub(crate) fn password(&self) -> Option<&SecretRef> {
        match self {
            Self::Embedded { .. } => None,
            Self::Amqp(amqp) => amqp.password.as_ref(),
        }
    }
}

/// `broker:`, a word, an address or a map. What comes later says which of the two it is.
#[derive(Debug, Default)]
pub(crate) struct BrokerFile {
    on_rabbitmq: Option<bool>,
    table: BrokerTable,
}

section! {
    /// `broker: { … }`
    BrokerTable { embedded: Part<EmbeddedFile>, amqp: Part<AmqpFile> }
}

section! {
    /// `broker: { embedded: { … } }`
    EmbeddedFile { max_bytes: Option<Size> }
}

impl BrokerFile {
    pub(crate) fn build(&self, folder: &Path, sources: &Sources) -> Result<Broker, Box<YamlError>> {
        let BrokerTable { embedded, amqp } = &self.table;
        match &amqp.0 {
            Some(amqp) if self.on_rabbitmq == Some(true) => amqp.build(folder, sources).map(Broker::Amqp),
            _ => {
                let max_bytes = embedded.0.as_ref().and_then(|embedded| embedded.value.max_bytes);
                Ok(Broker::Embedded { max_bytes: max_bytes.map_or(1 << 30, |size| size.0) })
            }
        }
    }
}

impl Layer for BrokerFile {
    fn overlay(&mut self, over: Self) {
        self.on_rabbitmq.overlay(over.on_rabbitmq);
        self.table.overlay(over.table);
    }
}

impl<'de> Deserialize<'de> for BrokerFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placed { value: Written(mut broker), place } = Placed::deserialize(deserializer)?;
        // Of an address alone the whole value is the place.
        if let Some(address) = broker.table.amqp.0.as_mut().and_then(|amqp| amqp.value.address.as_mut()) {
            address.place = address.place.or(place);
        }
        Ok(broker)
    }
}

struct Written(BrokerFile);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrMap;
        impl<'de> Visitor<'de> for WordOrMap {
            type Value = BrokerFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`embedded`, an address of RabbitMQ, or a map with `embedded` or `amqp`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<BrokerFile, E> {
                match text {
                    "embedded" => Ok(BrokerFile { on_rabbitmq: Some(false), ..BrokerFile::default() }),
                    _ if text.starts_with("amqp") => {
                        let address = Some(Placed { value: Login::parse(text)?, place: None });
                        let amqp = AmqpFile { address, ..AmqpFile::default() };
                        let amqp = Part(Some(Placed { value: amqp, place: None }));
                        let table = BrokerTable { amqp, ..BrokerTable::default() };
                        Ok(BrokerFile { on_rabbitmq: Some(true), table })
                    }
                    // An address of a broker may hold a password.
                    _ => Err(refusal_of_secret(
                        "this is no broker",
                        "write `embedded`, or amqps://USER:${env:PASSWORD}@HOST/VHOST",
                    )),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BrokerFile, A::Error> {
                let table = BrokerTable::deserialize(MapAccessDeserializer::new(map))?;
                let on_rabbitmq = match (&table.embedded.0, &table.amqp.0) {
                    (Some(_), Some(_)) => {
                        return Err(refusal("deliveries wait in one place", "keep `embedded` or `amqp`"));
                    }
                    (None, None) => None,
                    (_, amqp) => Some(amqp.is_some()),
                };
                Ok(BrokerFile { on_rabbitmq, table })
            }
        }
        deserializer.deserialize_any(WordOrMap).map(Self)
    }
}
