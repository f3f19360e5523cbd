//! The stand-in as a program of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use forge_sim::{Sim, SimOptions};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for GitHub with state: REST, webhooks and git, for tests and demos. A GitLab is next door.
///
/// Point a GitHub client at the printed address (or at it with /api/v3, as GitHub Enterprise
/// Server has it) with the token, and git at ADDRESS/OWNER/NAME.git with any user name and the
/// token as password. Issues and pull requests open in a browser at the addresses that answers
/// carry.
#[derive(Parser)]
#[command(name = "forge-sim", version, after_long_help = CONTROLS)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where the bare repositories go; made when missing, kept afterwards. A temporary folder unless said.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The token that REST and git accept.
    #[arg(long, env = "FORGE_SIM_TOKEN", default_value = "sim-token")]
    token: String,
    /// The account that the token belongs to; admin of every repository.
    #[arg(long, default_value = "sim-user")]
    login: String,
    /// A repository to start with: a git repository is copied, another folder becomes one commit. May be repeated.
    #[arg(long, value_name = "OWNER/NAME=PATH", value_parser = seed)]
    repo: Vec<Seed>,
}

const CONTROLS: &str = "\
Controls (no credential needed; keep the address private):
  GET    /_sim/state     everything as JSON, with the journal of writes
  POST   /_sim/repos     {\"owner\":\"acme\",\"name\":\"api\",\"files\":{\"README.md\":\"hi\\n\"}}
  POST   /_sim/users     {\"login\":\"octocat\",\"token\":\"t\",\"permissions\":{\"acme/api\":\"write\"}}
  POST   /_sim/issues    {\"repository\":\"acme/api\",\"login\":\"octocat\",\"title\":\"It breaks\",\"body\":\"\",\"labels\":[]}
  POST   /_sim/labels    {\"repository\":\"acme/api\",\"number\":1,\"labels\":[\"agent:fix\"],\"login\":\"octocat\"}
  POST   /_sim/webhooks  {\"url\":\"http://127.0.0.1:8080/webhooks/github\",\"secret\":\"s\"}
  POST   /_sim/deliver   {\"repository\":\"acme/api\",\"number\":1,\"label\":\"agent:fix\",\"sender\":\"octocat\"}
  POST   /_sim/faults    {\"method\":\"POST\",\"path\":\"*/comments\",\"times\":1,\"fault\":{\"kind\":\"commit_then_status\",\"status\":502}}
  DELETE /_sim/faults    behave again

Controls of the GitLab at the same address (API below /api/v4, same token):
  POST   /_sim/gitlab/projects  {\"path\":\"acme/api\",\"owner\":\"sim-user\",\"files\":{\"README.md\":\"hi\\n\"}}
  POST   /_sim/gitlab/users     {\"username\":\"ana\",\"token\":\"t\",\"levels\":{\"acme/api\":30}}
  POST   /_sim/gitlab/issues    {\"project\":\"acme/api\",\"username\":\"ana\",\"title\":\"It breaks\",\"labels\":[]}
  POST   /_sim/gitlab/hooks     {\"project\":\"acme/api\",\"url\":\"https://pw/webhooks/gitlab\",\"alert_status\":\"disabled\"}

Kinds of fault: status {status}, commit_then_status {status}, reset, commit_then_reset,
delay_ms {ms}, commit_then_delay {ms}, rate_limited {retry_after, status}, secondary {retry_after},
list_lag_ms {ms}, target_down (of webhooks: the path is the receiver's).

Example:
  forge-sim --listen 127.0.0.1:3000 --repo acme/api=./my-project
  curl -H 'Authorization: Bearer sim-token' http://127.0.0.1:3000/repos/acme/api
  git clone http://x-access-token:sim-token@127.0.0.1:3000/acme/api.git";

#[derive(Clone)]
struct Seed {
    owner: String,
    name: String,
    folder: PathBuf,
}

fn seed(text: &str) -> Result<Seed, String> {
    let parts = text.split_once('=').and_then(|(repo, path)| Some((repo.split_once('/')?, path)));
    let ((owner, name), folder) = parts.ok_or("write it as OWNER/NAME=PATH")?;
    Ok(Seed { owner: owner.to_owned(), name: name.to_owned(), folder: folder.into() })
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                message = format!("{message}: {error}");
                cause = error.source();
            }
            eprintln!("forge-sim: {message}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let sim = Sim::start(SimOptions {
        listen: options.listen,
        data: options.data,
        token: options.token,
        login: options.login,
        ..SimOptions::default()
    })
    .await?;
    for seed in &options.repo {
        sim.import_repo(&seed.owner, &seed.name, &seed.folder).await?;
    }
    println!("forge-sim listening on {}", sim.url);
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    sim.shutdown().await;
    Ok(())
}
