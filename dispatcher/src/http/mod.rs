//! HTTP into the control plane: the API for people and the git gate for workers.

pub mod api;
pub mod worker;
