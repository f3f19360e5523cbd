//! A GitLab next door: API version 4 below `/api/v4`, with users, projects and state of its own.
//!
//! Shapes after <https://docs.gitlab.com/api/>. It shares the address, the clock, the faults and
//! the journal with the GitHub; its repositories lie in a folder of their own. [`GitLabSim`] is its
//! side for tests.

mod answer;
mod arrange;
mod auth;
mod controls;
pub mod model;
mod quick_actions;
mod render;
mod rest;

pub(crate) use answer::standard_headers;
pub use arrange::GitLabSim;
pub(crate) use auth::{Caller, git_access};
pub(crate) use controls::routes as controls;
pub(crate) use model::State;
pub(crate) use rest::routes;
