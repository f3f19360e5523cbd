//! The one binary: commands that compose the libraries, no logic of its own.

mod cli;
mod database;
mod lifecycle;
mod parts;
mod roles;

use std::process::ExitCode;

use clap::Parser;
use cli::Ending;
use cli::args::{Args, Command, Global};
use config::{ProcessEnv, Role};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One TLS provider for everything; a second one would make rustls refuse to choose.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let args = Args::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let ending = runtime.block_on(run(args));
            runtime.shutdown_background();
            ending.into()
        }
        Err(error) => {
            eprintln!("pullwright cannot start: {error}");
            Ending::CouldNotRun.into()
        }
    }
}

async fn run(args: Args) -> Ending {
    let Args { global, command } = args;
    match command {
        Command::Up => start(Role::Up, &global).await,
        Command::Ingress => start(Role::Ingress, &global).await,
        Command::Dispatcher => start(Role::Dispatcher, &global).await,
        Command::Worker => start(Role::Worker, &global).await,
        Command::Doctor(asked) => parts::doctor::run(&asked, &global, &ProcessEnv).await,
        other => cli::run(other, &global, &ProcessEnv).await,
    }
}

async fn start(role: Role, global: &Global) -> Ending {
    ended(roles::run(role, global.config.as_deref(), global.log_format.into()).await)
}

/// How a role ended; an error is shown to the person who started it.
fn ended(result: miette::Result<()>) -> Ending {
    match result {
        Ok(()) => Ending::Fine,
        Err(report) => {
            eprintln!("{report:?}");
            Ending::CouldNotRun
        }
    }
}
