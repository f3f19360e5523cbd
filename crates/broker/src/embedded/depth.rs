//! How much is waiting, kept by the writer so that asking costs nothing.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

/// What waits in the queue: everything that is not acked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Deliveries.
    pub rows: u64,
    /// Their size in bytes, as stored.
    pub bytes: u64,
    /// When the oldest had arrived.
    pub oldest: Option<DateTime<Utc>>,
}

/// What the file says: the depth, and the highest position in it.
pub(super) async fn load(connection: &mut SqliteConnection) -> Result<(Depth, i64), sqlx::Error> {
    let (rows, bytes, last): (i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(message)), 0), COALESCE(MAX(position), 0) FROM delivery",
    )
    .fetch_one(&mut *connection)
    .await?;
    let oldest = oldest(connection).await?;
    Ok((Depth { rows: rows.unsigned_abs(), bytes: bytes.unsigned_abs(), oldest }, last))
}

/// When the oldest delivery in the file had arrived.
pub(super) async fn oldest(connection: &mut SqliteConnection) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let micros: Option<i64> =
        sqlx::query_scalar("SELECT received_at FROM delivery ORDER BY position LIMIT 1")
            .fetch_optional(connection)
            .await?;
    Ok(micros.and_then(DateTime::from_timestamp_micros))
}
