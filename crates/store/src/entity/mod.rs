//! Rows as the database holds them; private to the crate.

pub mod automation_id;
pub mod decision;
pub mod delivery;
pub mod delivery_key;
pub mod event;
pub mod fact;
pub mod instance;
pub mod intent;
pub mod kept_result;
pub mod link;
pub mod rule_set;
pub mod run;
pub mod run_event;
pub mod run_log;
pub mod thread;
pub mod tick;
pub mod timetable;
pub mod worker;
