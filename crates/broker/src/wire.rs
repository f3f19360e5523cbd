//! The envelope of a delivery, in a row or on a broker, and nothing else about them.
//!
//! One byte of version, four of the header's length (little endian), the header as JSON, the body
//! as it is (compressed already). Version 1 grows by adding header fields with defaults; a reader
//! ignores those it does not know. Any other change is a new version.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemas::delivery::{Body, Replay};
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId, WebhookName};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
const PREFIX: usize = 1 + size_of::<u32>();

#[derive(Serialize, Deserialize)]
struct Header {
    id: DeliveryId,
    webhook: WebhookName,
    received_at: DateTime<Utc>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    trace: TraceContext,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay_of: Option<DeliveryId>,
    /// Of a replay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    observe: bool,
}

/// A message that is no envelope we can read, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be read: {because}")]
pub struct Damaged {
    /// What is wrong with it.
    pub because: String,
    /// All of it.
    pub bytes: Bytes,
}

/// A header that does not serialise; names a bug, as no content can cause it.
#[derive(Debug, thiserror::Error)]
#[error("the delivery cannot be written as a message")]
pub struct Unwritable(#[from] serde_json::Error);

/// Writes `delivery` as a message.
///
/// # Errors
/// When its header does not serialise.
pub fn encode(delivery: Delivery) -> Result<Vec<u8>, Unwritable> {
    let Delivery { id, webhook, received_at, headers, body, trace, replay_of } = delivery;
    let body = body.as_stored();
    let observe = replay_of.is_some_and(|replay| replay.observe);
    let replay_of = replay_of.map(|replay| replay.original);
    let mut message = Vec::with_capacity(PREFIX + 1024 + body.len());
    message.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    serde_json::to_writer(
        &mut message,
        &Header { id, webhook, received_at, headers, trace, replay_of, observe },
    )?;
    let length = u32::try_from(message.len() - PREFIX)
        .map_err(|_| serde_json::Error::io(std::io::ErrorKind::FileTooLarge.into()))?;
    message[1..PREFIX].copy_from_slice(&length.to_le_bytes());
    message.extend_from_slice(body);
    Ok(message)
}

/// Reads a message; its body is a part of `message`, not a copy.
///
/// # Errors
/// With the bytes, when they are no message of a version that is known here.
pub fn decode(message: Bytes) -> Result<Delivery, Damaged> {
    match split(&message) {
        Ok((header, body_at)) => Ok(Delivery {
            id: header.id,
            webhook: header.webhook,
            received_at: header.received_at,
            headers: header.headers,
            body: Body::from_stored(message.slice(body_at..)),
            trace: header.trace,
            replay_of: header.replay_of.map(|original| Replay { original, observe: header.observe }),
        }),
        Err(because) => Err(Damaged { because, bytes: message }),
    }
}

fn split(message: &[u8]) -> Result<(Header, usize), String> {
    match message.first() {
        Some(&VERSION) => {}
        Some(other) => {
            return Err(format!("its version is {other}, this version of Pullwright reads {VERSION}"));
        }
        None => return Err("it is empty".to_owned()),
    }
    let short = || "it ends too early".to_owned();
    let (prefix, rest) = message.split_first_chunk::<PREFIX>().ok_or_else(short)?;
    let [_, length @ ..] = *prefix;
    let length = u32::from_le_bytes(length) as usize;
    let header = rest.get(..length).ok_or_else(short)?;
    let header = serde_json::from_slice(header).map_err(|error| format!("its header is broken: {error}"))?;
    Ok((header, PREFIX + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delivery(body: &[u8]) -> Delivery {
        Delivery {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            webhook: "github".into(),
            received_at: DateTime::from_timestamp_nanos(1_700_000_000_123_456_789),
            headers: BTreeMap::from([("x-github-event".into(), "issues".into())]),
            body: Body::compress(body),
            trace: TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            replay_of: Some(Replay {
                original: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
                observe: true,
            }),
        }
    }

    #[test]
    fn a_header_with_fields_from_the_future_is_read() {
        let message = encode(delivery(b"{}")).unwrap();
        let (header, body_at) = split(&message).unwrap();
        let mut json = serde_json::to_value(&header).unwrap();
        json["priority"] = 7.into();
        let json = serde_json::to_vec(&json).unwrap();
        let mut newer = vec![VERSION];
        newer.extend_from_slice(&u32::try_from(json.len()).unwrap().to_le_bytes());
        newer.extend_from_slice(&json);
        newer.extend_from_slice(&message[body_at..]);
        assert_eq!(decode(newer.into()).unwrap(), delivery(b"{}"));
    }

    #[test]
    fn another_version_is_damaged_and_keeps_its_bytes() {
        let mut message = encode(delivery(b"{}")).unwrap();
        message[0] = 2;
        let damaged = decode(message.clone().into()).unwrap_err();
        assert!(damaged.because.contains("version is 2"), "{damaged}");
        assert_eq!(damaged.bytes, message);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(body: Vec<u8>) {
            prop_assert_eq!(decode(encode(delivery(&body)).unwrap().into()).unwrap(), delivery(&body));
        }

        #[test]
        fn a_truncated_message_is_damaged_or_has_a_shorter_body(cut in 0usize..400) {
            let message = Bytes::from(encode(delivery(b"some body")).unwrap());
            let cut = cut.min(message.len());
            match decode(message.slice(..cut)) {
                Ok(read) => prop_assert!(read.body.as_stored().len() <= delivery(b"some body").body.as_stored().len()),
                Err(damaged) => prop_assert_eq!(damaged.bytes.len(), cut),
            }
        }

        #[test]
        fn noise_is_never_a_panic(noise: Vec<u8>) {
            let _ = decode(noise.into());
        }
    }
}
