//! Table `workers`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub invited_at: DateTimeUtc,
    pub enrolment_hash: Option<String>,
    pub enrolment_expires_at: Option<DateTimeUtc>,
    pub enrolment_used: bool,
    pub enrolled_at: Option<DateTimeUtc>,
    pub credential_hash: Option<String>,
    pub credential_expires_at: Option<DateTimeUtc>,
    pub previous_hash: Option<String>,
    pub previous_expires_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    pub draining: bool,
    pub last_seen_at: Option<DateTimeUtc>,
    pub slots: i32,
    pub software: String,
    pub skew_ms: Option<i64>,
    pub pool: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
