//! Where records and deliveries are kept.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::layer::{Layer, section};
use crate::postgres::Postgres;
use crate::secret::SecretRef;
use crate::size::Size;
use crate::yaml::{Place, refusal_of_secret};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// `queue.db` in the data folder.
    Embedded {
        /// The largest it may grow, in bytes; beyond it senders hear 503 and try again later.
        max_bytes: u64,
    },
}

/// `broker:`, a word or a map.
#[derive(Debug, Default)]
pub(crate) struct BrokerFile(BrokerTable);

section! {
    /// `broker: { … }`
    BrokerTable { embedded: EmbeddedFile }
}

section! {
    /// `broker: { embedded: { … } }`
    EmbeddedFile { max_bytes: Option<Size> }
}

impl BrokerFile {
    pub(crate) fn build(&self) -> Broker {
        Broker::Embedded { max_bytes: self.0.embedded.max_bytes.map_or(1 << 30, |size| size.0) }
    }
}

impl Layer for BrokerFile {
    fn overlay(&mut self, over: Self) {
        self.0.overlay(over.0);
    }
}

impl<'de> Deserialize<'de> for BrokerFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrMap;
        impl<'de> Visitor<'de> for WordOrMap {
            type Value = BrokerFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`embedded`, or a map with that key")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<BrokerFile, E> {
                match text {
                    "embedded" => Ok(BrokerFile::default()),
                    // An address of a broker may hold a password.
                    _ if text.starts_with("amqp") => Err(refusal_of_secret(
                        "RabbitMQ is not supported by this version",
                        "write `broker: embedded`; the queue lies in `data_dir`",
                    )),
                    _ => Err(refusal_of_secret("this is no broker", "write `broker: embedded`")),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BrokerFile, A::Error> {
                BrokerTable::deserialize(MapAccessDeserializer::new(map)).map(BrokerFile)
            }
        }
        deserializer.deserialize_any(WordOrMap)
    }
}
