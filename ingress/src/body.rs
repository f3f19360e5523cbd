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
/// Bytes that have to arrive in each [`BodyLimits::idle`], so that single bytes do not keep a body alive.
const PACE: usize = 8 << 10;
/// Bytes of each body that have a room of their own: large bodies keep no small one out.
const SMALL: usize = 64 << 10;

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes, as sent.
    pub bytes: usize,
    /// For each 8 KiB of it, or its end.
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
pub struct Room {
    /// For the first 64 KiB of each body.
    small: Arc<Semaphore>,
    /// For what is beyond.
    large: Arc<Semaphore>,
}

impl Room {
    /// Room for so many bytes, counted in KiB, and a quarter on top for the beginnings of bodies.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let part = |bytes: usize| Arc::new(Semaphore::new((bytes >> 10).min(Semaphore::MAX_PERMITS)));
        Self { small: part(bytes / 4), large: part(bytes) }
    }
}

/// A body's part of the room.
#[derive(Debug)]
struct Share {
    small: OwnedSemaphorePermit,
    large: OwnedSemaphorePermit,
}

impl Share {
    fn empty(room: &Room) -> Result<Self, BodyError> {
        Ok(Self { small: take(&room.small, 0)?, large: take(&room.large, 0)? })
    }

    /// Makes it large enough for so many bytes.
    fn grow(&mut self, bytes: usize, room: &Room) -> Result<(), BodyError> {
        let missing = |part: &OwnedSemaphorePermit, bytes: usize| {
            bytes.div_ceil(1024).saturating_sub(part.num_permits())
        };
        let small = take(&room.small, missing(&self.small, bytes.min(SMALL)))?;
        let large = take(&room.large, missing(&self.large, bytes.saturating_sub(SMALL)))?;
        self.small.merge(small);
        self.large.merge(large);
        Ok(())
    }
}

fn take(room: &Arc<Semaphore>, kib: usize) -> Result<OwnedSemaphorePermit, BodyError> {
    let kib = u32::try_from(kib).map_err(|_| BodyError::NoRoom)?;
    Arc::clone(room).try_acquire_many_owned(kib).map_err(|_| BodyError::NoRoom)
}

/// A body in memory; its room is given back when it is dropped.
#[derive(Debug)]
pub struct RawBody {
    /// The bytes as sent.
    pub bytes: Bytes,
    _share: Share,
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
    let mut share = Share::empty(room)?;
    let mut bytes = Vec::new();
    loop {
        let piece = read_piece(&mut body, &mut bytes, &mut share, limits.bytes, room);
        let ended = timeout(limits.idle, piece).await.map_err(|_| BodyError::TooSlow)??;
        if ended {
            return Ok(RawBody { bytes: bytes.into(), _share: share });
        }
    }
}

/// Reads at least [`PACE`] more of `body`; whether that was its end.
async fn read_piece(
    body: &mut Body,
    bytes: &mut Vec<u8>,
    share: &mut Share,
    limit: usize,
    room: &Room,
) -> Result<bool, BodyError> {
    let enough = bytes.len().saturating_add(PACE);
    while bytes.len() < enough {
        let Some(frame) = body.frame().await else { return Ok(true) };
        // Trailers say nothing that is used.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        let size = bytes.len().saturating_add(data.len());
        if size > limit {
            return Err(BodyError::TooLarge { limit });
        }
        if size > bytes.capacity() {
            // No more than twice what has come: a length is easily claimed.
            let rest = usize::try_from(body.size_hint().upper().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let capacity = size.saturating_add(size.min(rest)).min(limit);
            share.grow(capacity, room)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(false)
}

/// Reads and forgets a little of `body` before its request is refused, so that the connection can be
/// used for the next one.
///
/// Of a body that is known to be more than a little nothing is read; its connection is closed then.
pub async fn discard(mut body: Body) {
    if body.size_hint().lower() > DISCARD_BYTES as u64 {
        return;
    }
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
