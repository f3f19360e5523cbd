//! What RabbitMQ says before a login: the client library reads it and keeps it to itself.

use std::{fmt, io};

use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use lapin::tcp::AMQPUriTcpExt;
use lapin::types::AMQPValue;
use lapin::types::parsing::parse_field_table;
use schemas::amqp::Host;
use tokio::time::timeout;

use super::connect::{CONNECT, tls_config, uri};
use super::error::AmqpError;
use super::settings::AmqpSettings;

/// The protocol header (AMQP 0-9-1, section 4.2.2).
const HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
/// A method frame on channel 0 (section 4.2.3).
const METHOD_FRAME: u8 = 1;
/// `connection.start`: class and method 10.
const CONNECTION_START: [u8; 4] = [0, 10, 0, 10];
/// No greeting is larger.
const MAX_GREETING: usize = 64 << 10;

/// A version of RabbitMQ: its first two numbers, and all of it as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    numbers: (u32, u32),
    text: String,
}

impl Version {
    fn read(text: String) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| part.parse().ok());
        let numbers = (numbers.next()??, numbers.next()??);
        Some(Self { numbers, text })
    }

    /// Whether it lacks what is used: message TTL on quorum queues came with 3.10.
    pub(super) fn is_too_old(&self) -> bool {
        self.numbers < (3, 10)
    }

    /// Whether quorum queues drop what is redelivered often, unless told not to.
    pub(super) fn has_delivery_limit(&self) -> bool {
        self.numbers >= (4, 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Asks on a connection of its own, which RabbitMQ notes in its log as one that was given up.
pub(super) async fn version(settings: &AmqpSettings, host: &Host) -> Result<Version, AmqpError> {
    let place = host.to_string();
    let uri = uri(settings, host);
    let tls = tls_config(settings);
    let lost = |error: io::Error| AmqpError::Lost(error.to_string());
    let ask = async {
        let runtime =
            lapin::runtime::default_runtime().map_err(|error| AmqpError::Lost(error.to_string()))?;
        let stream = uri.connect_with_config_async(tls.as_ref(), &runtime).await.map_err(lost)?;
        greeting(stream).await.map_err(lost)
    };
    let greeting = timeout(CONNECT, ask).await.map_err(|_| AmqpError::Silent { host: place })??;
    read_version(&greeting)
        .and_then(Version::read)
        .ok_or_else(|| AmqpError::Lost("it does not greet as RabbitMQ does".to_owned()))
}

async fn greeting(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Vec<u8>> {
    stream.write_all(HEADER).await?;
    stream.flush().await?;
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    let [kind, _, _, size @ ..] = head;
    let size = u32::from_be_bytes(size) as usize;
    if kind != METHOD_FRAME || size > MAX_GREETING {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not speak AMQP 0-9-1"));
    }
    let mut payload = vec![0; size];
    stream.read_exact(&mut payload).await?;
    Ok(payload)
}

/// The method's number, two bytes of protocol version, and a table of properties.
fn read_version(payload: &[u8]) -> Option<String> {
    let table = payload.strip_prefix(&CONNECTION_START)?.get(2..)?;
    let (_, properties) = parse_field_table(table).ok()?;
    match properties.inner().get("version")? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (text, too_old, has_delivery_limit) in [
            ("2.8", true, false),
            ("3.9.29", true, false),
            ("3.10.0", false, false),
            ("3.13.7", false, false),
            ("4.0.1", false, true),
            ("4.10.0-rc.1", false, true),
        ] {
            let version = Version::read(text.to_owned()).unwrap();
            assert_eq!(version.is_too_old(), too_old, "{text}");
            assert_eq!(version.has_delivery_limit(), has_delivery_limit, "{text}");
        }
        assert_eq!(Version::read("unknown".to_owned()), None);
    }

    #[test]
    fn what_is_no_greeting_has_no_version() {
        for bytes in [&b""[..], b"\x00\x0a\x00\x0a", b"\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\xffx", &[7; 90]] {
            assert_eq!(read_version(bytes), None);
        }
    }
}
