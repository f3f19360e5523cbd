//! Table `runs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub automation: String,
    pub delivery_id: Uuid,
    pub work_item: String,
    pub root: String,
    pub group_key: String,
    pub group_limit: i32,
    pub depth: i32,
    pub actor: Option<String>,
    pub reserved: i64,
    /// Of earlier epochs; `spent_now` is the current one's, written by heartbeats alone.
    pub spent: i64,
    pub spent_now: i64,
    /// The limits that its automation sets.
    pub budget: Option<String>,
    pub admitted_at: Option<DateTimeUtc>,
    pub approval: Option<String>,
    pub repository: String,
    pub mode: String,
    pub branch: String,
    pub input: String,
    pub state: String,
    pub gate: Option<String>,
    pub due_at: Option<DateTimeUtc>,
    pub wake_at: Option<DateTimeUtc>,
    pub step: Option<String>,
    pub epoch: i64,
    pub beat: i64,
    pub nonce: Option<String>,
    pub worker: Option<String>,
    pub outcome: Option<String>,
    pub reason: Option<String>,
    pub cancel_requested: bool,
    pub cancel_reason: Option<String>,
    pub workers_lost: i32,
    pub pool: String,
    pub created_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
    pub trace: String,
    pub base_branch: Option<String>,
    pub base: Option<String>,
    pub head: Option<String>,
    /// The commit that `branch` held when the run was claimed, where it goes on with one.
    pub branch_head: Option<String>,
    pub change: Option<String>,
    pub report: Option<String>,
    pub pull_request: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
