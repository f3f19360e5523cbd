//! The command line: everything but the roles, which `main` composes.
//!
//! Lists and details come from the API of a running Pullwright, never from its database. `init`,
//! `check`, `doctor` and `db` work without one.

mod approve;
pub mod args;
mod automations;
mod backtest;
mod budgets;
mod check;
mod client;
mod db;
mod deliveries;
pub mod doctor;
mod escape;
mod init;
mod logs;
mod output;
mod runs;
mod schedules;
mod test;
mod workers;

use std::io;
use std::process::ExitCode;

use config::{ConfigError, Env};
use miette::Diagnostic;
use schemas::SystemClock;

use args::{AutomationsCommand, Command, DeliveriesCommand, Global, RunsCommand, SchedulesCommand};
use client::{Client, ClientError};
use deliveries::{NotDecided, SendError};
use output::Output;
use schedules::NoSchedule;

/// What a command came to; its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All is well: 0.
    Fine,
    /// It ran, and found something wrong: 1.
    Problems,
    /// It could not do what was asked: 2.
    CouldNotRun,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Fine => 0,
            Ending::Problems => 1,
            Ending::CouldNotRun => 2,
        })
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum CliError {
    /// The configuration is missing or wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Config(#[from] ConfigError),
    /// The running Pullwright did not do it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Client(#[from] ClientError),
    /// `init` found files in its way, or could not write.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Init(#[from] init::InitError),
    /// The database did not do it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Db(#[from] db::DbError),
    /// A sample was not delivered.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Send(#[from] SendError),
    /// A delivery is stored, and not decided.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotDecided(#[from] NotDecided),
    /// A schedule or a zone is none.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Schedule(#[from] NoSchedule),
    /// Standard output is gone.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl CliError {
    /// A reader that has seen enough (`| head`) is no fault.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// 1 where the server said that it is too late or that there is no such thing, else 2.
    fn ending(&self) -> Ending {
        match self {
            Self::Client(ClientError::NotFound { .. } | ClientError::Conflict { .. }) => Ending::Problems,
            _ => Ending::CouldNotRun,
        }
    }
}

/// Runs a command other than the roles and `doctor`, prints what it has to say, and returns its
/// ending.
pub async fn run(command: Command, global: &Global, env: &dyn Env) -> Ending {
    let mut out = Output::stdout(global.json);
    report(dispatch_to(command, global, env, &mut out).await)
}

/// Prints an error for a person and turns a result into an ending.
pub fn report(result: Result<Ending, CliError>) -> Ending {
    match result {
        Ok(ending) => ending,
        Err(error) if error.is_closed_pipe() => Ending::Fine,
        Err(error) => {
            let ending = error.ending();
            eprintln!("{:?}", miette::Report::new(error));
            ending
        }
    }
}

async fn dispatch_to(
    command: Command,
    global: &Global,
    env: &dyn Env,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    match command {
        // These need the parts of a running Pullwright, which `main` has.
        Command::Up | Command::Ingress | Command::Dispatcher | Command::Worker | Command::Doctor(_) => {
            Ok(Ending::CouldNotRun)
        }
        Command::Init(args) => init::run(&args, &env.current_dir(), out),
        Command::Check(args) => check::run(&args, global, env, out),
        Command::Db { command } => db::run(&command, global, env, out).await,
        Command::Test(args) => test::run(&args, global, env, out),
        Command::Backtest(args) => backtest::run(&args, global, env, &SystemClock::new(), out).await,
        // What it sends is signed by what the configuration says.
        Command::Deliveries { command: DeliveriesCommand::Send(args) } => {
            deliveries::send(&args, global, env, &SystemClock::new(), out).await
        }
        Command::Deliveries { command } => {
            let client = Client::new(global, env)?;
            match command {
                DeliveriesCommand::List(page) => deliveries::list(&client, &page, out).await,
                DeliveriesCommand::Show { id } => deliveries::show(&client, id, out).await,
                DeliveriesCommand::Explain { id, current, all } => {
                    deliveries::explain(&client, id, current, all, out).await
                }
                DeliveriesCommand::Tail { webhook } => deliveries::tail(&client, webhook.as_ref(), out).await,
                DeliveriesCommand::Replay { id, observe } => {
                    deliveries::replay(&client, id, observe, out).await
                }
                DeliveriesCommand::Send(_) => Ok(Ending::CouldNotRun),
            }
        }
        Command::Runs { command } => {
            let client = Client::new(global, env)?;
            match command {
                RunsCommand::List { state, page } => runs::list(&client, state, &page, out).await,
                RunsCommand::Show { id } => runs::show(&client, id, out).await,
                RunsCommand::Logs { id, follow } => logs::run(&client, id, follow, out).await,
                RunsCommand::Approve { id, inputs } => {
                    approve::run(&client, id, inputs.as_deref(), out).await
                }
                RunsCommand::Cancel { id } => runs::cancel(&client, id, out).await,
            }
        }
        Command::Budgets => budgets::list(&Client::new(global, env)?, out).await,
        Command::Automations { command } => {
            let client = Client::new(global, env)?;
            match command {
                AutomationsCommand::List => automations::list(&client, out).await,
                AutomationsCommand::Show { name } => automations::show(&client, &name, out).await,
            }
        }
        Command::Schedules {
            command: Some(SchedulesCommand::Next { schedule, timezone, count }), ..
        } => schedules::next(&schedule, &timezone, count, &SystemClock::new(), out),
        Command::Schedules { command: None, filter } => {
            schedules::list(&Client::new(global, env)?, &filter, out).await
        }
        Command::Workers { command } => workers::run(&command, &Client::new(global, env)?, out).await,
    }
}

#[cfg(test)]
mod tests;
