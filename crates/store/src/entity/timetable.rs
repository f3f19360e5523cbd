//! Table `timetables`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timetables")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub automation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub timetable: String,
    pub activated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
