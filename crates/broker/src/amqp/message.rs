//! A delivery as an AMQP message: the envelope as its body, and beside it what tools look at.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use schemas::Delivery;
use schemas::trace::TraceContext;

use crate::wire::{self, Damaged, Unwritable};

/// The version of the envelope that is written, and the newest that is read.
const VERSION: u8 = 1;
/// Ours; what has another type was put there by someone else.
const CONTENT_TYPE: &str = "application/vnd.pullwright.delivery";
/// AMQP's mode for a message that survives a restart.
const PERSISTENT: u8 = 2;
const VERSION_HEADER: &str = "pullwright-version";
/// W3C Trace Context for AMQP names its header so.
const TRACE_HEADER: &str = "traceparent";

/// A message ready to be published.
pub(super) struct Message {
    pub id: ShortString,
    pub payload: Vec<u8>,
    pub properties: BasicProperties,
}

pub(super) fn write(delivery: Delivery) -> Result<Message, Unwritable> {
    // A UUID has 36 characters, far below the 255 beyond which this conversion panics.
    let id = ShortString::from(delivery.id.to_string());
    let mut headers = FieldTable::default();
    headers.insert(VERSION_HEADER.into(), AMQPValue::LongLongInt(VERSION.into()));
    if !delivery.trace.0.is_empty() {
        headers.insert(TRACE_HEADER.into(), AMQPValue::LongString(delivery.trace.0.as_str().into()));
    }
    let properties = BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(id.clone())
        .with_timestamp(u64::try_from(delivery.received_at.timestamp()).unwrap_or(0))
        .with_headers(headers);
    Ok(Message { id, payload: wire::encode(delivery)?, properties })
}

/// What a message turned out to be.
pub(super) enum Read {
    /// One of ours, or bytes that nobody can read.
    Message(Result<Delivery, Damaged>),
    /// One of ours, of a version that a newer reader knows.
    Newer(i64),
}

pub(super) fn read(properties: &BasicProperties, payload: Vec<u8>) -> Read {
    let version = version(properties, &payload);
    if version > i64::from(VERSION) {
        return Read::Newer(version);
    }
    let mut delivery = wire::decode(Bytes::from(payload));
    if let Ok(delivery) = &mut delivery
        && delivery.trace.0.is_empty()
    {
        delivery.trace = trace(properties);
    }
    Read::Message(delivery)
}

/// What its writer says it is; 0 for what has no version. Bytes by themselves say nothing: a stray
/// text begins with a large one as well.
fn version(properties: &BasicProperties, payload: &[u8]) -> i64 {
    let ours = properties.content_type().as_ref().is_some_and(|kind| kind.as_str() == CONTENT_TYPE);
    let first = payload.first().filter(|_| ours).map_or(0, |byte| i64::from(*byte));
    header(properties, VERSION_HEADER).and_then(integer).unwrap_or(0).max(first)
}

fn trace(properties: &BasicProperties) -> TraceContext {
    let text = match header(properties, TRACE_HEADER) {
        Some(AMQPValue::LongString(text)) => std::str::from_utf8(text.as_bytes()).unwrap_or(""),
        _ => "",
    };
    TraceContext(text.to_owned())
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref().and_then(|headers| headers.inner().get(name))
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::ShortShortInt(value) => Some((*value).into()),
        AMQPValue::ShortShortUInt(value) => Some((*value).into()),
        AMQPValue::ShortInt(value) => Some((*value).into()),
        AMQPValue::ShortUInt(value) => Some((*value).into()),
        AMQPValue::LongInt(value) => Some((*value).into()),
        AMQPValue::LongUInt(value) => Some((*value).into()),
        AMQPValue::LongLongInt(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use proptest::prelude::*;
    use schemas::delivery::Body;

    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            webhook: "github".into(),
            received_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            headers: BTreeMap::new(),
            body: Body::compress(b"{}"),
            trace: TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            replay_of: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let message = write(delivery()).unwrap();
        assert_eq!(message.payload.first(), Some(&VERSION), "one version in both places");
        assert_eq!(message.id.as_str(), delivery().id.to_string());
        let Read::Message(Ok(read)) = read(&message.properties, message.payload) else { panic!() };
        assert_eq!(read, delivery());
    }

    #[test]
    fn a_trace_that_only_the_header_has_is_taken() {
        let traced = write(delivery()).unwrap();
        let bare = write(Delivery { trace: TraceContext::default(), ..delivery() }).unwrap();
        let Read::Message(Ok(read)) = read(&traced.properties, bare.payload) else { panic!() };
        assert_eq!(read.trace, delivery().trace);
    }

    #[test]
    fn a_newer_version_is_told_from_rubbish() {
        let Message { mut payload, properties, .. } = write(delivery()).unwrap();
        if let Some(first) = payload.first_mut() {
            *first = 2;
        }
        assert!(matches!(read(&properties, payload.clone()), Read::Newer(2)));
        assert!(matches!(read(&BasicProperties::default(), payload), Read::Message(Err(_))));
        let mut headers = FieldTable::default();
        headers.insert(VERSION_HEADER.into(), AMQPValue::LongInt(7));
        let newer = BasicProperties::default().with_headers(headers);
        assert!(matches!(read(&newer, Vec::new()), Read::Newer(7)));
    }

    proptest! {
        #[test]
        fn noise_is_damaged_and_keeps_its_bytes(noise: Vec<u8>) {
            if let Read::Message(Err(damaged)) = read(&BasicProperties::default(), noise.clone()) {
                prop_assert_eq!(damaged.bytes, noise);
            }
        }
    }
}
