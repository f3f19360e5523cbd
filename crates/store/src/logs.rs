//! Log lines of runs: the first mebibyte and the last four are kept.

use schemas::RunId;
use schemas::control::LogLine;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entity::run_log;
use crate::error::from_json;
use crate::{Store, StoreError, Tx};

/// Bytes kept from a log's start.
const HEAD: i64 = 1 << 20;
/// Bytes kept from its end.
const TAIL: i64 = 4 << 20;

impl Tx {
    /// Adds lines to a run's log; beyond head and tail the oldest of the tail make room.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn append_log(&self, run: RunId, lines: &[LogLine]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let (seq, head_bytes) = self.log_end(run).await?;
        let text = serde_json::to_string(lines)?;
        let bytes = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let part = if head_bytes + bytes <= HEAD { "head" } else { "tail" };
        let row = run_log::ActiveModel {
            run_id: Set(run.0),
            seq: Set(seq),
            part: Set(part.to_owned()),
            bytes: Set(bytes),
            lines: Set(text),
        };
        run_log::Entity::insert(row).exec_without_returning(&self.inner).await?;
        if part == "tail" { self.cut_tail(run).await } else { Ok(()) }
    }

    async fn log_end(&self, run: RunId) -> Result<(i64, i64), StoreError> {
        let last: Option<Option<i64>> = run_log::Entity::find()
            .select_only()
            .column_as(run_log::Column::Seq.max(), "last")
            .filter(run_log::Column::RunId.eq(run.0))
            .into_tuple()
            .one(&self.inner)
            .await?;
        let sizes: Vec<i64> = run_log::Entity::find()
            .select_only()
            .column(run_log::Column::Bytes)
            .filter(run_log::Column::RunId.eq(run.0))
            .filter(run_log::Column::Part.eq("head"))
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok((last.flatten().unwrap_or(-1) + 1, sizes.iter().sum()))
    }

    async fn cut_tail(&self, run: RunId) -> Result<(), StoreError> {
        let rows: Vec<(i64, i64)> = run_log::Entity::find()
            .select_only()
            .columns([run_log::Column::Seq, run_log::Column::Bytes])
            .filter(run_log::Column::RunId.eq(run.0))
            .filter(run_log::Column::Part.eq("tail"))
            .order_by_desc(run_log::Column::Seq)
            .into_tuple()
            .all(&self.inner)
            .await?;
        let mut kept = 0;
        for (at, (seq, bytes)) in rows.into_iter().enumerate() {
            kept += bytes;
            // The newest lines stay, however large they came.
            if kept > TAIL && at > 0 {
                run_log::Entity::delete_many()
                    .filter(run_log::Column::RunId.eq(run.0))
                    .filter(run_log::Column::Part.eq("tail"))
                    .filter(run_log::Column::Seq.lte(seq))
                    .exec(&self.inner)
                    .await?;
                break;
            }
        }
        Ok(())
    }
}

impl Store {
    /// Log chunks of a run from chunk number `from` on, each with its number; at most `limit` chunks.
    /// A gap in the numbers is where the middle was dropped.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn log(
        &self,
        run: RunId,
        from: i64,
        limit: u64,
    ) -> Result<Vec<(i64, Vec<LogLine>)>, StoreError> {
        run_log::Entity::find()
            .filter(run_log::Column::RunId.eq(run.0))
            .filter(run_log::Column::Seq.gte(from))
            .order_by_asc(run_log::Column::Seq)
            .limit(limit)
            .all(&self.read)
            .await?
            .into_iter()
            .map(|row| Ok((row.seq, from_json(&row.lines, "run_logs", "lines", &run)?)))
            .collect()
    }

    /// How many log chunks a run has.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_chunks(&self, run: RunId) -> Result<u64, StoreError> {
        Ok(run_log::Entity::find().filter(run_log::Column::RunId.eq(run.0)).count(&self.read).await?)
    }
}
