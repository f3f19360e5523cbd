//! What roles are made of, opened and wired as the configuration says.

pub mod artifacts;
pub mod control_plane;
pub mod credentials;
pub mod data_dir;
pub mod deciding;
pub mod doctor;
pub mod listeners;
pub mod local_worker;
pub mod queue;
pub mod ready;
mod reload;
pub mod routes;
mod settings;

/// An error whose chain is the message.
pub fn explained(error: anyhow::Error) -> miette::Report {
    miette::miette!("{error:#}")
}

/// A system's error.
pub fn plain(error: std::io::Error) -> miette::Report {
    miette::miette!("{error}")
}
