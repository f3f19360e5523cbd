//! `make demo`: the main job from a labelled issue to a pull request, on this machine.
//!
//! It starts the shipped `pullwright` and a stand-in for GitHub as processes on loopback, labels an
//! issue, and shows what happens until the pull request is there. Nothing leaves the machine.

mod api;
mod show;
mod story;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// A labelled issue becomes a pull request, on this machine alone.
#[derive(Debug, Parser)]
struct Options {
    /// A clone of your own; the demo works on a copy of it
    #[arg(long, value_name = "FOLDER")]
    repo: Option<PathBuf>,
    /// Leave everything running at the end, and print how to send more deliveries
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the demo cannot start: {error}");
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(story::tell(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo did not get to its end: {error:#}");
            ExitCode::FAILURE
        }
    }
}
