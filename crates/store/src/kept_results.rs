//! Result bundles that are kept for a successor: one a run, from its worker's result to the run's end.

use schemas::RunId;
use schemas::result_bundle::KeptResult;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::{kept_result, run};
use crate::{Store, StoreError, Tx};

/// A bundle, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBundle {
    /// Its name in the artifact store.
    pub object: String,
    /// What a successor is told of it.
    pub kept: KeptResult,
}

impl Tx {
    /// Notes that a bundle is kept for a run, in place of an earlier one. The caller holds the run's
    /// lock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_result(&self, run: RunId, bundle: &KeptBundle) -> Result<(), StoreError> {
        let row = kept_result::ActiveModel {
            run_id: Set(run.0),
            object: Set(bundle.object.clone()),
            head: Set(bundle.kept.head.to_string()),
            bytes: Set(i64::try_from(bundle.kept.bytes).unwrap_or(i64::MAX)),
            sha256: Set(bundle.kept.sha256.clone()),
        };
        let again = OnConflict::column(kept_result::Column::RunId)
            .update_columns([
                kept_result::Column::Object,
                kept_result::Column::Head,
                kept_result::Column::Bytes,
                kept_result::Column::Sha256,
            ])
            .to_owned();
        kept_result::Entity::insert(row).on_conflict(again).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Forgets a run's bundle.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_result(&self, run: RunId) -> Result<(), StoreError> {
        kept_result::Entity::delete_by_id(run.0).exec(&self.inner).await?;
        Ok(())
    }
}

impl Store {
    /// The bundle that is kept for a run.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn kept_result(&self, run: RunId) -> Result<Option<KeptBundle>, StoreError> {
        kept_result::Entity::find_by_id(run.0).one(&self.read).await?.map(read).transpose()
    }

    /// Bundles of runs that are done, with their names in the artifact store; at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn results_to_drop(&self, limit: u64) -> Result<Vec<(RunId, String)>, StoreError> {
        // Asked of each bundle, of which there are few, and not of all runs.
        let done = Query::select()
            .column(run::Column::Id)
            .from(run::Entity)
            .and_where(
                Expr::col((run::Entity, run::Column::Id))
                    .equals((kept_result::Entity, kept_result::Column::RunId)),
            )
            .and_where(run::Column::State.eq("done"))
            .to_owned();
        let found: Vec<(uuid::Uuid, String)> = kept_result::Entity::find()
            .select_only()
            .columns([kept_result::Column::RunId, kept_result::Column::Object])
            .filter(Expr::exists(done))
            .limit(limit)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(found.into_iter().map(|(run, object)| (RunId(run), object)).collect())
    }
}

fn read(row: kept_result::Model) -> Result<KeptBundle, StoreError> {
    let broken = |column, problem: String| StoreError::Inconsistent {
        table: "kept_results",
        column,
        row: row.run_id.to_string(),
        problem,
    };
    let head = row.head.parse().map_err(|e: schemas::id::InvalidId| broken("head", e.to_string()))?;
    let bytes = u64::try_from(row.bytes).map_err(|e| broken("bytes", e.to_string()))?;
    Ok(KeptBundle { object: row.object, kept: KeptResult { head, bytes, sha256: row.sha256 } })
}
