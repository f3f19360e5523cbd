//! For people who write automations: samples, replays, and watching what is decided.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinSet;

use crate::support::{LABEL, MAINTAINER, Plan, REPO, World, automation, redact, sign};

const OBSERVE: &str = "    mode: observe\n";

async fn watching() -> World {
    Plan::default().automation(automation("fix", &["true"], OBSERVE)).without_webhook().start().await
}

/// A sample that the automation listens to.
const LABELLED: [&str; 11] = [
    "deliveries",
    "send",
    "github",
    "issue.labeled",
    "--repo",
    REPO,
    "--label",
    LABEL,
    "--actor",
    MAINTAINER,
    "--json",
];

impl World {
    /// The delivery that a command tells in JSON, and its exit code.
    async fn told(&self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.cli(args).await;
        let value = serde_json::from_slice(&output.stdout);
        let wrong = String::from_utf8_lossy(&output.stderr);
        (output.status.code(), value.unwrap_or_else(|_| panic!("{args:?}: {output:?} {wrong}")))
    }
}

fn id(delivery: &Value) -> &str {
    delivery["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_goes_the_way_of_every_delivery() {
    let world = watching().await;
    let args = [&LABELLED[..10], &["--item", "7", "--set", "/issue/title=Greet"]].concat();
    let output = world.cli(&args).await;
    let shown = redact(&String::from_utf8_lossy(&output.stdout), &world);
    assert!(output.status.success(), "{output:?}");
    insta::assert_snapshot!("deliveries_send", shown);

    let stored = &world.all("deliveries").await[0];
    let stored = world.delivery(id(stored)).await;
    assert_eq!(stored["event"]["work_item"], format!("github:{REPO}#7"));
    assert_eq!(stored["event"]["item"]["title"], "Greet");
    assert_eq!((&stored["status"], stored["decisions"].as_array().unwrap().len()), (&json!("decided"), 1));
    let show = world.cli(&["deliveries", "show", id(&stored)]).await;
    assert!(String::from_utf8_lossy(&show.stdout).contains("issue.labeled"), "{show:?}");

    // A second one is another happening, however soon it comes.
    let (code, again) = world.told(&LABELLED).await;
    assert_eq!((code, &again["status"]), (Some(0), &json!("decided")), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_of_github_is_read_by_the_running_process() {
    let world = watching().await;
    let (_, samples) = world.told(&["deliveries", "send", "github", "--json"]).await;
    for event in samples.as_array().unwrap() {
        let event = event.as_str().unwrap();
        let (code, delivery) = world.told(&["deliveries", "send", "github", event, "--json"]).await;
        assert_eq!((code, &delivery["event"]["type"]), (Some(0), &json!(event)), "{delivery:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_decided_anew_and_observing_starts_nothing() {
    let world = watching().await;
    let (_, first) = world.told(&LABELLED).await;
    // The automation is changed: now it would act.
    std::fs::write(world.path("automations/0.yaml"), automation("fix", &["true"], "")).unwrap();
    world
        .wait("the new automation", async || {
            let (_, set) = world.api("automations").await;
            (set["items"][0]["mode"] == "live").then_some(())
        })
        .await;

    let (code, observed) = world.told(&["deliveries", "replay", id(&first), "--observe", "--json"]).await;
    assert_eq!(code, Some(0), "{observed:#}");
    assert_ne!(observed["id"], first["id"]);
    assert_eq!((&observed["replay_of"], &observed["status"]), (&first["id"], &json!("decided")));
    assert_eq!(observed["decisions"][0]["verdict"], "matched");
    assert!(observed["decisions"][0]["run"].is_null());
    assert!(world.all("runs").await.is_empty());

    // For good, and of the replay: both name the original.
    let (code, replayed) = world.told(&["deliveries", "replay", id(&observed), "--json"]).await;
    assert_eq!((code, &replayed["replay_of"]), (Some(0), &first["id"]));
    assert_eq!(replayed["decisions"][0]["verdict"], "matched");
    let runs = world.all("runs").await;
    assert_eq!(runs.len(), 1);
    assert_eq!((&runs[0]["id"], &runs[0]["delivery"]), (&replayed["decisions"][0]["run"], &replayed["id"]));
    let shown = world.cli(&["deliveries", "show", id(&replayed)]).await;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("replay of"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_problem_found_now_and_when_replayed() {
    let world = watching().await;
    std::fs::write(world.path("broken.json"), "{\"action\":\"labeled\"}").unwrap();
    let send = ["deliveries", "send", "github", "issues", "--payload", "broken.json", "--json"];
    let (code, delivery) = world.told(&send).await;
    assert_eq!((code, &delivery["status"]), (Some(1), &json!("quarantined")), "{delivery:#}");
    let explained = world.cli(&["deliveries", "explain", id(&delivery)]).await;
    let explained = String::from_utf8_lossy(&explained.stdout);
    assert!(explained.starts_with("It could not be read: the header says `issues`"), "{explained}");
    let (code, again) = world.told(&["deliveries", "replay", id(&delivery), "--json"]).await;
    assert_eq!((code, &again["status"]), (Some(1), &json!("quarantined")), "{again:#}");
    assert_eq!(again["replay_of"], delivery["id"]);

    let nobody = "01234567-89ab-7def-8123-456789abcdef";
    let output = world.cli(&["deliveries", "replay", nobody]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (status, answer) = world.post(&format!("deliveries/{nobody}/replay?observe=perhaps")).await;
    assert_eq!(status, 400, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_this_machine_is_reached_past_any_proxy() {
    let mut plan = Plan::default().automation(automation("fix", &["true"], OBSERVE)).without_webhook();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        // Nobody listens there.
        plan = plan.env(name, "http://127.0.0.1:1");
    }
    let world = plan.start().await;
    // The command line finds the server, and the server the forge: it says what the actor may do.
    let (code, delivery) = world.told(&LABELLED).await;
    assert_eq!((code, &delivery["decisions"][0]["verdict"]), (Some(0), &json!("matched")), "{delivery:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_is_explained() {
    let world = watching().await;
    let mut command = world.command(&["deliveries", "send", "github", "push"]);
    let output =
        command.env("GITHUB_WEBHOOK_SECRET", "another-secret-than-the-servers").output().await.unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    insta::assert_snapshot!(
        "deliveries_send_unbelieved",
        redact(&String::from_utf8_lossy(&output.stderr), &world)
    );
    assert!(world.all("deliveries").await.is_empty());
}

/// A tail that runs, and its lines as they come.
struct Tail {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(&[&["deliveries", "tail"], args].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(60), self.lines.next_line()).await;
        line.expect("no line comes").unwrap().expect("the tail ended")
    }

    /// Ctrl-C: exit code, lines that were left, and what it said beside the data.
    async fn interrupted(mut self) -> (Option<i32>, Vec<String>, String) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
        let status = tokio::time::timeout(Duration::from_secs(30), self.process.wait()).await;
        let mut left = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            left.push(line);
        }
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        (status.expect("it does not end").unwrap().code(), left, said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_prints_each_decision_once_over_a_restart() {
    let mut world = watching().await;
    let (_, before) = world.told(&LABELLED).await;
    let mut tail = Tail::start(&world, &["--webhook", "github", "--json"]);
    let mut plain = Tail::start(&world, &[]);
    // When a tail begins to see is its own affair: samples are sent until it shows one.
    let mut sent = Vec::new();
    let first = loop {
        let (_, delivery) = world.told(&LABELLED).await;
        sent.push(id(&delivery).to_owned());
        if let Ok(line) = tokio::time::timeout(Duration::from_secs(2), tail.lines.next_line()).await {
            break serde_json::from_str::<Value>(&line.unwrap().unwrap()).unwrap();
        }
    };
    assert_ne!(first["id"], before["id"], "what was there before is not printed");
    assert_eq!(first["decisions"], json!({ "matched": 1 }));
    // The other one may have begun to see later.
    let shown = loop {
        if let Ok(line) = tokio::time::timeout(Duration::from_secs(2), plain.lines.next_line()).await {
            break line.unwrap().unwrap();
        }
        let (_, delivery) = world.told(&LABELLED).await;
        sent.push(id(&delivery).to_owned());
    };
    assert_eq!(shown.split('\t').count(), 7, "{shown}");
    assert!(
        shown.contains(&format!("\tgithub\tissue.labeled\tgithub:{REPO}#12\t{MAINTAINER}\t1 matched")),
        "{shown}"
    );

    // A stream that is open does not hold the server up.
    world.signal(Signal::SIGTERM);
    assert!(world.ended_within(Duration::from_secs(10)).await.success());
    world.start().await;
    let (_, after) = world.told(&LABELLED).await;
    let mut seen = vec![id(&first).to_owned()];
    while seen.last().map(String::as_str) != Some(id(&after)) {
        let line = tail.line().await;
        seen.push(serde_json::from_str::<Value>(&line).unwrap()["id"].as_str().unwrap().to_owned());
    }
    let begun = sent.iter().position(|id| *id == seen[0]).unwrap();
    let expected: Vec<&str> = sent[begun..].iter().map(String::as_str).chain([id(&after)]).collect();
    assert_eq!(seen, expected, "each once, in order");
    let (code, left, said) = tail.interrupted().await;
    assert_eq!((code, left.len()), (Some(0), 0), "{left:?} {said}");
    assert!(said.contains("waiting for it") && said.contains("it is back; going on after"), "{said}");
    assert_eq!(plain.interrupted().await.0, Some(0));

    let output = world.cli(&["deliveries", "tail", "--webhook", "gitlab"]).await;
    assert_eq!(output.status.code(), Some(2));
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(wrong.contains("there is no such webhook") && wrong.contains("`github`"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_no_line_of_a_tail() {
    let mut world = watching().await;
    let mut tail = Tail::start(&world, &["--json"]);
    loop {
        world.told(&LABELLED).await;
        if tokio::time::timeout(Duration::from_secs(2), tail.lines.next_line()).await.is_ok() {
            break;
        }
    }
    // Many at once are decided in another order than their ids, and the process dies among them.
    let mut expected = burst(&world, 1).await;
    world.kill9().await;
    world.start().await;
    expected.extend(burst(&world, 2).await);
    let mut seen = Vec::new();
    while !expected.iter().all(|id| seen.contains(id)) {
        let line = tail.line().await;
        seen.push(serde_json::from_str::<Value>(&line).unwrap()["id"].as_str().unwrap().to_owned());
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len(), "nothing is printed twice");
    assert_eq!(tail.interrupted().await.0, Some(0));
}

/// Forty labels on forty issues at once; the ids of the deliveries.
async fn burst(world: &World, number: u64) -> Vec<String> {
    let mut sending = JoinSet::new();
    for number in (0..40).map(|at| number * 100 + at) {
        let body = json!({
            "action": "labeled", "label": { "id": number, "name": LABEL },
            "issue": { "number": number, "title": "t", "labels": [{ "name": LABEL }] },
            "repository": { "full_name": REPO }, "sender": { "id": 1, "login": MAINTAINER, "type": "User" },
        });
        let body = body.to_string();
        let request =
            world.http.post(world.url("/webhooks/github")).header("content-type", "application/json");
        let request =
            request.header("x-github-event", "issues").header("x-github-delivery", number.to_string());
        let request = request.header("x-hub-signature-256", sign(body.as_bytes())).body(body);
        sending.spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    }
    let answers = sending.join_all().await;
    answers.iter().map(|answer| answer["delivery"].as_str().unwrap().to_owned()).collect()
}
