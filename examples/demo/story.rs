//! The demo in its order: refusals first, then the way of one label to a pull request.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::Options;
use crate::show::{block, done, note, refused, spinner, title};
use crate::world::{LABEL, SECRET, World};

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);

pub async fn tell(options: &Options) -> anyhow::Result<()> {
    title("Starting Pullwright and a stand-in for GitHub on loopback");
    let starting = spinner("starting");
    let world = World::start(options.repo.as_deref()).await;
    starting.finish_and_clear();
    let mut world = world?;
    done(&format!("pullwright up    {}", world.server));
    done(&format!("GitHub stand-in  {}", world.forge));

    title("A delivery with a wrong signature");
    let (status, answer) = world.deliver(LABEL, "not the secret").await?;
    if status != 401 {
        bail!("it was answered {status}");
    }
    refused(&format!("{status} {}", answer["error"].as_str().unwrap_or_default()));

    title("A label that no automation wants");
    let (status, answer) = world.deliver("question", SECRET).await?;
    let delivery = answer["delivery"].as_str().with_context(|| format!("answered {status}"))?.to_owned();
    done(&format!("{status} accepted as delivery {delivery}"));
    let decisions = world.explained(&delivery).await?;
    for decision in &decisions {
        refused(&format!("{}: {}", decision["automation"].as_str().unwrap_or_default(), sentence(decision)));
    }

    title(&format!("The maintainer labels issue #{} with {LABEL}", world.issue));
    world.label_issue().await?;
    let run = world.follow().await?;
    world.tell_end(&run).await?;

    if options.keep {
        keep(&mut world).await;
    }
    world.stop().await
}

fn sentence(value: &Value) -> &str {
    value["sentence"].as_str().unwrap_or_default()
}

impl World {
    /// What each automation that listens to such an event made of a delivery, once it is decided.
    async fn explained(&self, delivery: &str) -> anyhow::Result<Vec<Value>> {
        self.until(async || {
            let Ok(detail) = self.api(&format!("deliveries/{delivery}/explain")).await else {
                return Ok(None);
            };
            Ok(detail["decisions"].as_array().filter(|list| !list.is_empty()).cloned())
        })
        .await
    }

    async fn until<T>(&self, look: impl AsyncFn() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
        let looking = async {
            loop {
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => bail!("nothing happened for {} s:\n{}", PATIENCE.as_secs(), self.log()),
        }
    }

    /// Prints what happens to the run of the label, and returns its end.
    async fn follow(&self) -> anyhow::Result<Value> {
        let id = self
            .until(async || {
                let runs = self.api("runs").await?;
                Ok(runs["items"][0]["id"].as_str().map(str::to_owned))
            })
            .await?;
        let run = self.api(&format!("runs/{id}")).await?;
        let delivery = run["delivery"].as_str().unwrap_or_default().to_owned();
        done(&format!("verified and stored as delivery {delivery}"));
        for decision in self.explained(&delivery).await? {
            done(&format!(
                "decided: {} {}",
                decision["automation"].as_str().unwrap_or_default(),
                decision["verdict"].as_str().unwrap_or_default()
            ));
        }
        done(&format!("queued as run {id}"));
        let waiting = spinner("waiting for the worker");
        let seen = std::cell::Cell::new(0);
        self.until(async || {
            let run = self.api(&format!("runs/{id}")).await?;
            let reached = if run["state"] == "done" { STEPS.len() } else { reached(&run) };
            for (_, words) in STEPS.iter().take(reached).skip(seen.get()) {
                waiting.suspend(|| done(words));
            }
            seen.set(seen.get().max(reached));
            Ok((run["state"] == "done").then_some(()))
        })
        .await?;
        waiting.finish_and_clear();
        // The last edit of the comment follows the run's end.
        self.until(async || {
            let run = self.api(&format!("runs/{id}")).await?;
            let open = |intent: &Value| intent["state"] == "open" || intent["state"] == "calling";
            let busy = run["intents"].as_array().is_some_and(|intents| intents.iter().any(open));
            Ok((!busy).then_some(()))
        })
        .await?;
        self.api(&format!("runs/{id}")).await
    }

    /// Shows the result as people find it.
    async fn tell_end(&self, run: &Value) -> anyhow::Result<()> {
        if run["outcome"] != "succeeded" {
            bail!("the run ended as {}: {}\n{}", run["outcome"], sentence(run), self.log());
        }
        done("draft pull request opened, status comment edited in place");
        title("What ran in the sandbox");
        for command in run["commands"].as_array().into_iter().flatten() {
            let (exit, text) = (&command["exit_code"], command["command"].as_str().unwrap_or_default());
            note(&format!("[exit {exit}] {text}"));
        }
        title("What was written to the forge, each planned as a row before it was made");
        for intent in run["intents"].as_array().into_iter().flatten() {
            let word = |key: &str| intent[key].as_str().unwrap_or_default().to_owned();
            note(&format!("{:<18} {:<6} {}", word("kind"), word("state"), word("result")));
        }
        let repository = self.repository().await?;
        let items: Vec<&Value> = match &repository["items"] {
            Value::Array(items) => items.iter().collect(),
            Value::Object(items) => items.values().collect(),
            _ => Vec::new(),
        };
        let number = run["pull_request"].as_u64().context("no pull request")?;
        let find = |number: u64| items.iter().copied().find(|item| item["number"] == number);
        let pull = find(number).context("the pull request is not on the forge")?;
        title(&format!("Draft pull request #{number}: {}", pull["title"].as_str().unwrap_or_default()));
        block(pull["body"].as_str().unwrap_or_default());
        title("Its diff");
        block(run["diff"].as_str().unwrap_or_default());
        title(&format!("The one comment on issue #{}", self.issue));
        let issue = find(self.issue).context("the issue is gone")?;
        for comment in issue["comments"].as_array().into_iter().flatten() {
            let body = comment["body"].as_str().unwrap_or_default();
            // A reader does not see the hidden marker.
            block(&body.lines().filter(|line| !line.starts_with("<!--")).collect::<Vec<_>>().join("\n"));
        }
        title("Time of each step");
        let when =
            |key: &str| run[key].as_str().and_then(|text| text.parse::<chrono::DateTime<chrono::Utc>>().ok());
        let micros =
            |span: chrono::TimeDelta| u64::try_from(span.num_microseconds().unwrap_or(0)).unwrap_or(0);
        if let (Some(created), Some(started)) = (when("created_at"), when("started_at")) {
            note(&format!("{:<28} {}", "decided to claimed", time(micros(started - created))));
        }
        for step in run["steps"].as_array().into_iter().flatten() {
            let name = step["step"].as_str().unwrap_or_default();
            note(&format!("{name:<28} {}", time(step["micros"].as_u64().unwrap_or(0))));
        }
        if let (Some(created), Some(finished)) = (when("created_at"), when("finished_at")) {
            note(&format!("{:<28} {}", "decided to pull request open", time(micros(finished - created))));
        }
        Ok(())
    }
}

async fn keep(world: &mut World) {
    title("Still running; Ctrl-C ends it");
    println!("  issue          {}/acme/demo/issues/{}", world.forge, world.issue);
    println!("  API            {}/api/v1/runs   (bearer token {})", world.server, world.token);
    println!("  health         {}/readyz", world.server);
    println!("  CLI            pullwright --config {} runs list", world.config().display());
    println!("  one more delivery, signed and sent by the stand-in:");
    println!(
        "    curl -s {}/_sim/labels -H 'content-type: application/json' -d '{{\"repository\":\"acme/demo\",\"number\":{},\"labels\":[\"{LABEL}\"],\"login\":\"maintainer\"}}'",
        world.forge, world.issue
    );
    world.keep().await;
}

/// The API's word for a step, and what is said once it is reached.
const STEPS: [(&str, &str); 7] = [
    ("workspace", "claimed by the worker, under a lease"),
    ("setup", "workspace ready, through the git gate"),
    ("commands", "commands run in the bubblewrap sandbox, without network"),
    ("result", "commit made from what the sandbox left"),
    ("validate", "validated"),
    ("push", "leave to push granted for exactly this branch and commit"),
    ("publish", "branch pushed through the git gate"),
];

/// How many of [`STEPS`] an active run has reached.
fn reached(run: &Value) -> usize {
    STEPS.iter().position(|(word, _)| run["step"] == *word).map_or(0, |at| at + 1)
}

fn time(micros: u64) -> String {
    if micros < 1_000_000 {
        format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
    } else {
        format!("{:.2} s", micros as f64 / 1e6)
    }
}
