//! Where to listen, and what a request may be.

use std::net::SocketAddr;

use ipnet::IpNet;
use schemas::automation::Span;
use schemas::delivery::Body;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::layer::section;
use crate::network::Network;
use crate::size::Size;
use crate::yaml::{Placed, Sources, YamlError, parsed};

section! {
    /// `listen:`
    ListenFile { webhooks: Option<Address>, api: Option<Address>, worker: Option<Address> }
}

section! {
    /// `intake:`
    IntakeFile {
        max_body: Option<Placed<Size>>,
        max_connections: Option<Placed<u32>>,
        header_timeout: Option<Span>,
        body_timeout: Option<Span>,
        memory: Option<Placed<Size>>,
        trusted_proxies: Option<Vec<Placed<Network>>>,
    }
}

/// Addresses of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Where senders deliver; in production the only one that faces the internet.
    pub webhooks: SocketAddr,
    /// Where the API is, when not at `webhooks`.
    pub api: Option<SocketAddr>,
    /// Where workers call, when not at `webhooks`.
    pub worker: Option<SocketAddr>,
    /// Where `pullwright worker` answers for its health: `api`, where it is written.
    pub health: Option<SocketAddr>,
}

impl Listen {
    /// Where the API is.
    #[must_use]
    pub fn api(&self) -> SocketAddr {
        self.api.unwrap_or(self.webhooks)
    }

    /// Where workers call.
    #[must_use]
    pub fn worker(&self) -> SocketAddr {
        self.worker.unwrap_or(self.webhooks)
    }
}

impl ListenFile {
    pub(crate) fn build(&self) -> Listen {
        let webhooks = self.webhooks.map_or(SocketAddr::from(([127, 0, 0, 1], 8080)), |address| address.0);
        let other = |address: Option<Address>| address.map(|a| a.0).filter(|address| *address != webhooks);
        let health = self.api.map(|address| address.0);
        Listen { webhooks, api: other(self.api), worker: other(self.worker), health }
    }
}

/// What a request may be before it is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// The largest body, in bytes.
    pub max_body: u64,
    /// Connections at once; a further one takes the place of the idlest.
    pub max_connections: u32,
    /// How long a sender may take for its headers.
    pub header_timeout: std::time::Duration,
    /// How long a body may stand still.
    pub body_timeout: std::time::Duration,
    /// Bytes of all bodies that are being read; at least `max_body`.
    pub memory: u64,
    /// The proxies whose word counts for where a delivery comes from.
    pub trusted_proxies: Vec<IpNet>,
}

impl IntakeFile {
    pub(crate) fn build(&self, sources: &Sources) -> Result<Intake, Box<YamlError>> {
        let largest = Size(Body::LARGEST as u64);
        if let Some(body) = self.max_body.as_ref().filter(|body| body.value > largest || body.value.0 == 0) {
            let error = sources.error_at(body.place, "no body of this size can be stored");
            return Err(error
                .with_help(format!("choose at most {largest}; GitHub sends up to 25MiB"))
                .boxed());
        }
        if let Some(none) = self.max_connections.as_ref().filter(|count| count.value == 0) {
            let error = sources.error_at(none.place, "without a connection nothing can be delivered");
            return Err(error.with_help("choose at least 1").boxed());
        }
        // The largest payload that GitHub sends:
        // https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
        let max_body = self.max_body.as_ref().map_or(Size(25 << 20), |size| size.value);
        if let Some(memory) = self.memory.as_ref().filter(|memory| memory.value < max_body) {
            let error = sources.error_at(memory.place, "not even one body of the largest size fits in");
            return Err(error.with_help(format!("choose at least {max_body}, or lower `max_body`")).boxed());
        }
        let proxies = self.trusted_proxies.as_deref().unwrap_or_default();
        if let Some(all) = proxies.iter().find(|proxy| proxy.value.0.prefix_len() == 0) {
            let error = sources.error_at(all.place, "so everybody could say where his delivery comes from");
            return Err(error.with_help("name your proxies alone, such as 127.0.0.1 or 10.0.0.0/8").boxed());
        }
        let seconds =
            |span: Option<Span>, default| span.map_or(std::time::Duration::from_secs(default), |s| s.0);
        Ok(Intake {
            max_body: max_body.0,
            max_connections: self.max_connections.as_ref().map_or(4096, |count| count.value),
            header_timeout: seconds(self.header_timeout, 10),
            body_timeout: seconds(self.body_timeout, 30),
            memory: self.memory.as_ref().map_or(256 << 20, |size| size.value.0),
            trusted_proxies: proxies.iter().map(|proxy| proxy.value.0).collect(),
        })
    }
}

/// An IP address and port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address(SocketAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| {
            text.parse().map(Address).map_err(|_| format!("`{text}` is not an address to listen on"))
        };
        parsed(
            deserializer,
            parse,
            "write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080",
        )
    }
}
