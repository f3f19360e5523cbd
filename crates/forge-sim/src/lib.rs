//! A stateful stand-in for GitHub, for tests and the demo: a real HTTP server with issues, labels,
//! comments, reactions, pull requests, checks, statuses, webhooks, and git smart HTTP on real bare
//! repositories. It misbehaves on order and shows its state. A GitLab is next door ([`gitlab`]), and a Jira ([`jira`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use forge_sim::{Permission, Sim, SimOptions};
//! let sim = Sim::start(SimOptions::default()).await?;
//! sim.create_repo("acme", "api", &[("README.md", "hello\n")]).await?;
//! sim.add_user("octocat", "acme", "api", Permission::Write)?;
//! let issue = sim.create_issue("acme", "api", "octocat", "It breaks", "Always.", &[])?;
//! sim.label_issue("acme", "api", issue.number, "agent:fix", "octocat")?;
//! sim.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! State lives in memory, commits in bare repositories below the data folder. Over HTTP the same
//! is done with the routes of `/_sim/` (see the `forge-sim` binary's `--help`).

// `json!` of a repository's many fields.
#![recursion_limit = "256"]

mod answer;
mod auth;
mod bare;
mod controls;
mod deliver;
mod faults;
mod git;
pub mod gitlab;
mod happenings;
pub mod jira;
mod journal;
pub mod model;
mod pages;
pub mod payload;
mod render;
mod rest;
mod router;
mod server;
mod setup;
pub mod sign;
mod sim;
mod world;

pub use bare::GitError;
pub use faults::{Fault, FaultOrder};
pub use gitlab::GitLabSim;
pub use happenings::NewIssue;
pub use jira::JiraSim;
pub use schemas::automation::Permission;
pub use setup::SetupError;
pub use sim::{Sim, SimOptions, StartError};
pub use world::AppOptions;
