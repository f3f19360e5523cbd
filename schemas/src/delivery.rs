//! What ingress stores and the dispatcher parses: the raw request, unchanged.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{DeliveryId, WebhookName};
use crate::trace::TraceContext;

/// A request that passed verification, stored before it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Ours; the answer to the sender names it.
    pub id: DeliveryId,
    /// The route it came by; its configuration says how to read it.
    pub webhook: WebhookName,
    /// When the last byte had arrived.
    pub received_at: DateTime<Utc>,
    /// The few headers a parser needs, names in lower case. None of them is signed.
    pub headers: BTreeMap<String, String>,
    /// The raw body as it was signed.
    pub body: Body,
    /// Where its trace began.
    pub trace: TraceContext,
    /// The delivery that this one repeats on a person's order; bypasses delivery dedupe.
    pub replay_of: Option<Replay>,
}

/// A person's order to decide a stored delivery anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// The delivery that came from outside; never itself a replay.
    pub original: DeliveryId,
    /// Decide and record, but start and write nothing. It is on its way only, and not in the
    /// database: the decisions tell what came of it.
    pub observe: bool,
}

impl Delivery {
    /// `sha256(route, body)`: in body-only schemes ids and event headers are unsigned, so the
    /// same body under another id is the same delivery.
    #[must_use]
    pub fn body_key(&self, raw: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.webhook.0.as_bytes());
        hash.update([0]);
        hash.update(raw);
        hex::encode(hash.finalize())
    }
}

/// A body, compressed once at the door (LZ4 block with its length in front).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Body(Bytes);

/// A stored body that does not decompress, or claims to be larger than any that is accepted.
#[derive(Debug, thiserror::Error)]
#[error("the stored body is damaged: {0}")]
pub struct DamagedBody(String);

impl Body {
    /// No body is larger than this, compressed or not: 64 MiB.
    pub const LARGEST: usize = 64 << 20;

    /// Compresses `raw`.
    #[must_use]
    pub fn compress(raw: &[u8]) -> Self {
        Self(lz4_flex::compress_prepend_size(raw).into())
    }

    /// Wraps bytes that [`Body::as_stored`] gave.
    #[must_use]
    pub fn from_stored(stored: Bytes) -> Self {
        Self(stored)
    }

    /// The compressed bytes.
    #[must_use]
    pub fn as_stored(&self) -> &Bytes {
        &self.0
    }

    /// How many raw bytes it says it stands for; 0 where it does not say.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        self.0.first_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize)
    }

    /// The raw bytes.
    ///
    /// # Errors
    /// When the stored bytes are damaged.
    pub fn decompress(&self) -> Result<Vec<u8>, DamagedBody> {
        let size = self.0.first_chunk::<4>().map(|size| u32::from_le_bytes(*size) as usize);
        match size {
            Some(size) if size <= Self::LARGEST => {
                lz4_flex::decompress_size_prepended(&self.0).map_err(|e| DamagedBody(e.to_string()))
            }
            Some(size) => Err(DamagedBody(format!("it claims {size} bytes"))),
            None => Err(DamagedBody("it is shorter than its length field".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_comes_back_unchanged(raw: Vec<u8>) {
            prop_assert_eq!(Body::compress(&raw).decompress().unwrap(), raw);
        }

        #[test]
        fn damaged_bytes_are_an_error_not_a_panic(stored: Vec<u8>) {
            let _ = Body::from_stored(stored.into()).decompress();
        }
    }
}
