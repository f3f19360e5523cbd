//! Reading a body that may be too large, too slow or never end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How much of a body is discarded, and how long, before a request is refused unread.
const DISCARD_BYTES: usize = 1 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes, as sent.
    pub bytes: usize,
    /// Between two pieces of it.
    pub idle: Duration,
    /// From first to last.
    pub total: Duration,
}

impl Default for BodyLimits {
    /// 25 MiB, the most that GitHub and GitLab send; 10 s; 60 s.
    fn default() -> Self {
        Self { bytes: 25 << 20, idle: Duration::from_secs(10), total: Duration::from_secs(60) }
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than allowed, or says so.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// It ended before its end, or broke HTTP's rules.
    #[error("the body is incomplete or malformed")]
    Broken(#[source] axum::Error),
    /// All bodies that are being read together are too many.
    #[error("too many bodies are being read")]
    NoRoom,
}

/// Memory for all bodies that are being read. Bodies come before proof of who sent them, so their
/// sum needs a bound of its own.
#[derive(Debug, Clone)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Room for so many bytes, counted in KiB.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes >> 10).min(Semaphore::MAX_PERMITS))))
    }

    fn take(&self, kib: usize) -> Result<OwnedSemaphorePermit, BodyError> {
        let kib = u32::try_from(kib).map_err(|_| BodyError::NoRoom)?;
        Arc::clone(&self.0).try_acquire_many_owned(kib).map_err(|_| BodyError::NoRoom)
    }
}

/// A body in memory; its room is given back when it is dropped.
#[derive(Debug)]
pub struct RawBody {
    /// The bytes as sent.
    pub bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Reads all of `body`.
///
/// # Errors
/// When it breaks a limit or HTTP's rules; at once when `Content-Length` alone says so.
pub async fn read(body: Body, limits: &BodyLimits, room: &Room) -> Result<RawBody, BodyError> {
    let limit = limits.bytes;
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > limit {
        return Err(BodyError::TooLarge { limit });
    }
    timeout(limits.total, read_frames(body, limits, room)).await.map_err(|_| BodyError::TooSlow)?
}

async fn read_frames(mut body: Body, limits: &BodyLimits, room: &Room) -> Result<RawBody, BodyError> {
    let mut bytes = Vec::new();
    let mut taken = room.take(1)?;
    while let Some(frame) = timeout(limits.idle, body.frame()).await.map_err(|_| BodyError::TooSlow)? {
        // Trailers say nothing that is used.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        let size = bytes.len() + data.len();
        if size > limits.bytes {
            return Err(BodyError::TooLarge { limit: limits.bytes });
        }
        let missing = size.div_ceil(1024).saturating_sub(taken.num_permits());
        if missing > 0 {
            taken.merge(room.take(missing)?);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(RawBody { bytes: bytes.into(), _room: taken })
}

/// Reads and forgets a little of `body` before its request is refused: closing a connection with
/// unread bytes resets it, and the client may then never see why it was refused.
pub async fn discard(mut body: Body) {
    let read = async {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Whatever is left is the client's loss.
    let _ = timeout(DISCARD_TIME, read).await;
}
