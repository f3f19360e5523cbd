//! `pullwright.yaml` to typed settings, and references to secrets to secrets.
//!
//! [`load`] finds the file, lays `PULLWRIGHT__SECTION__KEY` over it and checks the whole; a mistake
//! is an error with file, line and remedy. Secrets stay references until [`Loaded::secrets`]
//! resolves those of one role.

mod amqp;
mod artifacts;
mod automations;
mod connections;
mod control_plane;
mod env;
mod error;
mod layer;
mod listen;
mod load;
mod name;
mod network;
mod postgres;
mod projects;
mod repositories;
mod retention;
mod roles;
mod secret;
mod settings;
mod size;
mod storage;
mod warnings;
mod webhooks;
mod workers;
pub mod yaml;

pub use amqp::Amqp;
pub use artifacts::{Artifacts, S3};
pub use automations::Automations;
pub use connections::{Auth, Connection};
pub use control_plane::{ControlPlane, WakeUps};
pub use env::{Env, ProcessEnv};
pub use error::ConfigError;
pub use listen::{Intake, Listen};
pub use load::{Loaded, load};
pub use postgres::{Postgres, SslMode};
pub use projects::Project;
pub use repositories::RepositoryRule;
pub use retention::Retention;
pub use roles::{ArtifactKey, Credential, Role, Secrets};
pub use secrecy::{ExposeSecret, SecretString};
pub use secret::SecretRef;
pub use settings::{Runs, Settings};
pub use storage::{Broker, Database};
pub use warnings::Warning;
pub use webhooks::{Proof, Rate, Webhook};
pub use workers::{SandboxKind, Workers};

/// The file that `pullwright init` writes: every key, explained.
pub const EXAMPLE: &str = include_str!("../example/pullwright.yaml");
