//! Ingress, dispatcher and workers as processes of their own, with a real RabbitMQ between them.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{Ingress, Plan, RabbitMq, Worker, World, free_port, worker_command};
use crate::telemetry::{self, Traces};

const SETTINGS: &str = "runs: { lease: 5s }";

/// Issues that are delivered around each kill.
const ISSUES: usize = 3;

/// A world whose forge delivers nowhere yet.
async fn prepared(commands: &[&str]) -> World {
    Plan::running(commands).settings(SETTINGS).without_webhook().prepare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_becomes_a_pull_request_over_four_processes() {
    needs_sandbox!();
    let Some(node) = RabbitMq::start().await else { return };
    let mut world = prepared(&["echo done > result"]).await;
    world.start_dispatcher(&node).await;
    let mut ingress = world.ingress(&node).await;
    let folder = world.prepare_worker("one", 1).await;
    let worker_health = free_port();
    let settings = std::fs::read_to_string(folder.join("pullwright.yaml")).unwrap();
    let password = format!("${{file:{}}}", folder.join("password").display());
    let wake_ups = node.address("worker", "main").replace("${env:BROKER_PASSWORD}", &password);
    let settings =
        settings.replace("control_plane: { ", &format!("control_plane: {{ wake_ups: \"{wake_ups}\", "));
    let settings = format!("{settings}listen: {{ api: \"127.0.0.1:{worker_health}\" }}\n");
    std::fs::write(folder.join("pullwright.yaml"), settings).unwrap();
    std::fs::write(folder.join("password"), node.password).unwrap();
    let (one, two) = (Worker::start("one", &folder), world.worker("two", 1).await);
    world.online(&one).await;
    world.online(&two).await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert!(run["worker"] == "one" || run["worker"] == "two", "{run:#}");
    assert_eq!((world.pulls_for(issue).len(), world.our_comments(issue).len()), (1, 1));

    let ready = |text: &str| -> Vec<String> {
        let answer: Value = serde_json::from_str(text).unwrap();
        let checks = answer["checks"].as_array().unwrap().iter();
        checks.map(|check| format!("{} {}", check["name"].as_str().unwrap(), check["ok"])).collect()
    };
    let at_ingress = world.http.get(ingress.url("/readyz")).send().await.unwrap().text().await.unwrap();
    assert_eq!(ready(&at_ingress), ["queue true"]);
    assert!(at_ingress.contains("connected to RabbitMQ at 127.0.0.1:"), "{at_ingress}");
    let at_dispatcher = world.get("/readyz").await.1;
    let all = ["database", "queue", "automations", "worker", "pools", "hooks", "schedules"];
    assert_eq!(ready(&at_dispatcher), all.map(|name| format!("{name} true")));

    let listens = async || {
        let health = world.http.get(format!("http://127.0.0.1:{worker_health}/readyz"));
        let health = health.send().await.ok()?.text().await.ok()?;
        (ready(&health) == ["control_plane true", "worker true", "wake_ups true"]
            && health.contains("connected to RabbitMQ"))
        .then_some(())
    };
    world.wait("a worker that listens", listens).await;

    // Each serves what is its own, and stops in order.
    for (url, status) in [
        (ingress.url("/api/v1/runs"), 404),
        (ingress.url("/worker/v1/claim"), 404),
        (world.url("/webhooks/github"), 401),
    ] {
        assert_eq!(world.http.post(&url).send().await.unwrap().status().as_u16(), status, "{url}");
    }
    assert!(ingress.end(Signal::SIGTERM).await.success(), "{}", world.logs());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_over_three_processes() {
    needs_sandbox!();
    let Some(node) = RabbitMq::start().await else { return };
    let traces = Traces::default();
    let endpoint = telemetry::collector(Arc::clone(&traces)).await;
    let exported = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let plan = Plan::running(&["echo done > result"]).settings(SETTINGS).without_webhook();
    let plan = exported.into_iter().fold(plan, |plan, (name, value)| plan.env(name, value));
    let mut world = plan.prepare().await;
    world.start_dispatcher(&node).await;
    let mut ingress = world.ingress(&node).await;
    let folder = world.prepare_worker("one", 1).await;
    let mut worker = worker_command(&folder).envs(exported).spawn().unwrap();
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    // Each says its last spans at its end.
    let id = i32::try_from(worker.id().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), Signal::SIGTERM).unwrap();
    assert!(worker.wait().await.unwrap().success());
    assert!(ingress.end(Signal::SIGTERM).await.success(), "{}", world.logs());
    world.stop().await;
    telemetry::assert_whole(&run, &traces);
}

/// Who is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Ingress,
    Dispatcher,
    Broker,
}

/// Delivers until it is taken, as a sender that repeats does: the delivery's id.
async fn taken(world: &World, ingress: &Ingress, issue: u64) -> String {
    let body = world.labelled_payload(issue).to_string();
    world
        .wait(&format!("the delivery of issue {issue} taken"), async || {
            let (status, text) = ingress.deliver(world, &format!("guid-{issue}"), &body).await;
            assert!(matches!(status, 0 | 202 | 503), "{status}: {text}");
            let answer: Value = serde_json::from_str(&text).ok().filter(|_| status == 202)?;
            answer["delivery"].as_str().map(str::to_owned)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_nothing_is_lost_or_done_twice() {
    needs_sandbox!();
    let Some(node) = RabbitMq::start().await else { return };
    let mut world = prepared(&["sleep 1", "echo done > result"]).await;
    world.start_dispatcher(&node).await;
    let mut ingress = world.ingress(&node).await;
    let _workers = (world.worker("one", 2).await, world.worker("two", 2).await);
    let mut issues = Vec::new();
    let mut accepted = Vec::new();
    for victim in [Victim::Ingress, Victim::Dispatcher, Victim::Broker] {
        let before: Vec<u64> = (0..ISSUES).map(|_| world.issue("It does not greet")).collect();
        let after: Vec<u64> = (0..ISSUES).map(|_| world.issue("It does not greet")).collect();
        for issue in &before {
            accepted.push(taken(&world, &ingress, *issue).await);
        }
        match victim {
            Victim::Ingress => {
                ingress.end(Signal::SIGKILL).await;
                ingress.start(&world, &node).await;
            }
            Victim::Dispatcher => {
                world.kill9().await;
                // Meanwhile RabbitMQ keeps what is taken.
                for issue in &after {
                    accepted.push(taken(&world, &ingress, *issue).await);
                }
                world.start_dispatcher(&node).await;
            }
            Victim::Broker => {
                node.kill9().await;
                let body = world.labelled_payload(after[0]).to_string();
                let (status, text) = ingress.deliver(&world, &format!("guid-{}", after[0]), &body).await;
                assert_eq!(status, 503, "{text}");
                node.up().await;
            }
        }
        for issue in &after {
            accepted.push(taken(&world, &ingress, *issue).await);
        }
        issues.extend(before.into_iter().chain(after));
        println!("{victim:?}: killed with {} deliveries accepted", accepted.len());
    }
    for id in &accepted {
        world.delivery(id).await;
    }
    for issue in &issues {
        let run = world.finished(*issue).await;
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        assert_eq!((world.pulls_for(*issue).len(), world.our_comments(*issue).len()), (1, 1), "{issue}");
    }
    let runs = world.all("runs").await;
    assert_eq!(runs.len(), issues.len(), "each issue was decided once");
    println!(
        "{} deliveries accepted: 0 lost; {} runs for {} issues",
        accepted.len(),
        runs.len(),
        issues.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn up_works_on_rabbitmq_too() {
    needs_sandbox!();
    let Some(node) = RabbitMq::start().await else { return };
    let mut world = Plan::running(&["echo done > result"]).prepare().await;
    world.start_on(&node).await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert!(!world.path("data/queue.db").exists());

    // What the broker had taken outlives both.
    world.stop().await;
    node.kill9().await;
    node.up().await;
    world.start_on(&node).await;
    let issue = world.issue("It does not greet");
    let ready = world.url("/readyz");
    world.until_ready(&ready).await;
    world.label(issue);
    assert_eq!(world.finished(issue).await["outcome"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rabbitmq_nothing_is_taken() {
    let Some(node) = RabbitMq::start().await else { return };
    let world = prepared(&["true"]).await;
    // Nobody made the queue yet.
    let mut command = world.role_command("ingress", &node);
    let mut ingress = command.spawn().unwrap();
    let answers = || async { (world.get("/healthz").await.0 == 200).then_some(()) };
    world.wait("ingress", async || answers().await).await;
    let issue = world.issue("It does not greet");
    let body = world.labelled_payload(issue).to_string();
    let refused = world.deliver("issues", "guid", body.as_bytes()).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    let (status, text) = world.get("/readyz").await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("start the dispatcher first"), "{text}");
    node.kill9().await;
    let refused = world.deliver("issues", "guid", body.as_bytes()).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    ingress.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_with_rabbitmq() {
    let Some(node) = RabbitMq::start().await else { return };
    let world = prepared(&["true"]).await;
    let asked = async |role: &str, broker: String| {
        let mut command = world.role_command("doctor", &node);
        command.args([role, "--json"]).env("PULLWRIGHT__BROKER", broker).stdout(Stdio::piped());
        let secret_of_another = if role == "ingress" { "GITHUB_TOKEN" } else { "GITHUB_WEBHOOK_SECRET" };
        let output = command.env_remove(secret_of_another).output();
        let output = tokio::time::timeout(Duration::from_secs(60), output).await.unwrap().unwrap();
        let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let broker = checks.into_iter().filter(|check| check["name"] == "broker");
        broker
            .map(|check| {
                let said =
                    ["state", "what", "remedy"].map(|key| check[key].as_str().unwrap_or("").to_owned());
                said.join(" | ")
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let main = |user: &str| node.address(user, "main");
    for (role, broker, wanted) in [
        ("ingress", main("ingress"), "start the dispatcher first"),
        ("dispatcher", main("ingress"), "the user `ingress` may not do this"),
        ("dispatcher", main("dispatcher"), "exchange and queue of deliveries are there and may be read"),
        ("ingress", main("ingress"), "deliveries may be published"),
        ("dispatcher", node.address("dispatcher", "none"), "rabbitmqctl add_vhost none"),
        (
            "dispatcher",
            node.address("dispatcher", "other"),
            "rabbitmqctl set_permissions -p other dispatcher",
        ),
        ("dispatcher", main("stranger"), "refuses the user `stranger`"),
        (
            "dispatcher",
            "amqp://a:${env:BROKER_PASSWORD}@127.0.0.1:1/main".to_owned(),
            "check that it runs there and that this machine may connect",
        ),
        ("ingress", "embedded".to_owned(), "`embedded` is of one process"),
    ] {
        let said = asked(role, broker.clone()).await;
        assert!(said.contains(wanted), "{role} {broker}:\n{said}");
        assert_eq!(said.contains("fail"), !wanted.contains(" may be "), "{said}");
    }
}
