//! The installation's own id: what tells its markers from those of others.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::entity::instance;
use crate::{Store, StoreError, Tx};

/// The key of the one row.
const ROW: i32 = 1;

impl Store {
    /// The installation's id, where it has one yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn instance(&self) -> Result<Option<String>, StoreError> {
        Ok(instance::Entity::find_by_id(ROW).one(&self.read).await?.map(|row| row.id))
    }
}

impl Tx {
    /// Gives the installation an id, unless another process was first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn name_instance(&self, id: &str) -> Result<(), StoreError> {
        let row = instance::ActiveModel { row: Set(ROW), id: Set(id.to_owned()) };
        instance::Entity::insert(row)
            .on_conflict(OnConflict::column(instance::Column::Row).do_nothing().to_owned())
            .exec_without_returning(&self.inner)
            .await?;
        Ok(())
    }
}
