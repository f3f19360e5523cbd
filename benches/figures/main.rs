//! The project's figures, each beside its floor from the same run: `cargo bench --bench figures`.
//!
//! They are printed, never asserted: a busy machine makes them worse, not wrong. Servers are
//! processes of their own: the shipped `pullwright up`, or this program again in a role. Names after
//! `--` choose figures: `cargo bench --bench figures -- sandbox start`.

mod apart;
mod celery;
mod decide;
mod decisions;
mod deliveries;
mod first_command;
mod forge;
mod http;
mod idle_worker;
mod large;
mod load;
mod machine;
mod peers;
mod process;
mod rabbitmq;
mod ready_answers;
mod roles;
mod runs;
mod sandbox;
mod sandboxed;
mod scheme;
mod senders;
mod servers;
mod site;
mod spread;
mod start;
mod table;
mod webhooks;

use std::process::ExitCode;

use table::Table;

/// What a production process allocates with; floors get the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FIGURES: [&str; 11] = [
    "webhooks",
    "rabbitmq",
    "senders",
    "decide",
    "decisions",
    "large",
    "runs",
    "first-command",
    "sandbox",
    "sandboxed",
    "start",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [role, rest @ ..] = words.as_slice()
        && let Some(role) = role.strip_prefix(roles::PREFIX)
    {
        return ended(on_threads(roles::play(role, rest)));
    }
    // Test runners start every target, and read its output; only `cargo bench` says this.
    if !words.contains(&"--bench") {
        eprintln!("nothing to test here; `cargo bench --bench figures` measures");
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<&str> = words.into_iter().filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = chosen.iter().find(|name| !FIGURES.contains(name)) {
        eprintln!("there is no figure `{unknown}`; there are {}", FIGURES.join(", "));
        return ExitCode::from(2);
    }
    ended(on_threads(measure(&chosen)))
}

async fn measure(chosen: &[&str]) -> anyhow::Result<()> {
    println!("{}", machine::describe()?);
    let mut table = Table::default();
    for name in FIGURES.into_iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        println!("\n{name}");
        match name {
            "webhooks" => webhooks::measure(&mut table).await?,
            "rabbitmq" => rabbitmq::measure(&mut table).await?,
            "senders" => senders::measure(&mut table).await?,
            "decide" => decide::measure(&mut table)?,
            "decisions" => decisions::measure(&mut table).await?,
            "large" => large::measure(&mut table).await?,
            "runs" => runs::measure(&mut table).await?,
            "first-command" => first_command::measure(&mut table).await?,
            "sandbox" => sandbox::measure(&mut table).await?,
            "sandboxed" => sandboxed::measure(&mut table).await?,
            _ => start::measure(&mut table).await?,
        }
    }
    println!("\n{table}");
    Ok(())
}

/// On a runtime like that of `pullwright`.
fn on_threads(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the figures could not be measured: {error:#}");
            ExitCode::FAILURE
        }
    }
}
