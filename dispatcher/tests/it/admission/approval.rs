//! A person's word before a run starts, bound to what it would be given.

use std::time::Duration;

use dispatcher::admit::approval::{ApproveAnswer, Approver, code};
use schemas::automation::Permission;
use schemas::run::{Outcome, Reason, RunState};

use super::{comment, file, fix};
use crate::support::World;

const ANA: (&str, u64) = ("ana", 1);
const BEA: (&str, u64) = ("bea", 2);

/// A run of issue 12 that `ana` asked for, and that waits; the code of it.
async fn waiting(approval: &str) -> (World, String) {
    let world =
        World::new(&file(&[fix("").replace("['true'] }", &format!("['true'], approval: {approval} }}"))]))
            .await;
    world.forge.allow("bea", Permission::Write);
    world.label_for(12, "fix", 0).await;
    world.sweep().await;
    world.publish().await;
    let inputs = world.runs().await[0].run.approval.clone().unwrap().inputs;
    (world, code(&inputs).to_owned())
}

#[tokio::test]
async fn it_starts_once_somebody_else_agrees_and_from_the_commit_that_was_agreed_to() {
    let (world, code) = waiting("{}").await;
    assert_eq!(world.standings().await, ["approval"]);
    assert!(world.comments()[0].contains(&format!("`/agent approve {code}`")), "{}", world.comments()[0]);
    assert_eq!(world.claim_one().await.map(|job| job.run), None);
    world.comment(12, 1, &format!("/agent approve {code}"), BEA).await;
    assert_eq!(world.standings().await, ["queued"]);
    let approval = world.runs().await[0].run.approval.clone().unwrap();
    assert_eq!(approval.approved_by.as_deref(), Some("bea"));
    assert_eq!(approval.approved_at, Some(schemas::Clock::now(&*world.clock)));
    world.publish().await;
    assert!(world.comments()[0].contains("Approved by `bea`"), "{}", world.comments()[0]);
    assert_eq!(world.comments().len(), 1, "a command that was obeyed is answered by a reaction");
    world.forge.set_head("main", &"c".repeat(40));
    let job = world.claim_one().await.unwrap();
    assert_eq!(job.base.as_str(), "a".repeat(40));
}

#[tokio::test]
async fn whoever_triggered_it_strangers_and_wrong_codes_get_nowhere() {
    let (world, code) = waiting("{}").await;
    let cases = [
        (format!("/agent approve {code}"), ANA, "whoever triggered it cannot agree to it"),
        (format!("/agent approve {code}"), ("ANA", 1), "`/agent approve` was not done"),
        (format!("/agent approve {code}"), ("eve", 3), "needs write on github/acme/api"),
        ("/agent approve 00000000".to_owned(), BEA, "has this code"),
    ];
    world.forge.allow("ANA", Permission::Write);
    for ((text, who, expected), id) in cases.into_iter().zip(1..) {
        world.comment(12, id, &text, who).await;
        let answer = world.comments().pop().unwrap();
        assert!(answer.contains(expected), "{text} by {who:?}: {answer}");
        assert_eq!(world.standings().await, ["approval"]);
    }
    let answers = world.comments().len();
    world.comment(12, 9, "/agent approve 1", ("eve", 3)).await;
    assert_eq!(world.comments().len(), answers, "a stranger is told once");
    world.comment(12, 10, "> /agent approve\n\n`/agent approve`", BEA).await;
    assert_eq!(world.comments().len(), answers, "a quotation is no command");
}

#[tokio::test]
async fn a_bot_cannot_agree() {
    let (world, code) = waiting("{}").await;
    let mut body = comment(12, 1, &format!("/agent approve {code}"), ("dep[bot]", 8));
    for place in ["/sender/type", "/comment/user/type"] {
        *body.pointer_mut(place).unwrap() = "Bot".into();
    }
    world.forge.allow("dep[bot]", Permission::Admin);
    world.deliver_as("issue_comment", "x", body.to_string().as_bytes()).await;
    world.publish().await;
    assert_eq!(world.standings().await, ["approval"]);
}

#[tokio::test]
async fn inputs_that_changed_get_a_new_code() {
    let (world, old) = waiting("{}").await;
    world.forge.set_head("main", &"c".repeat(40));
    world.comment(12, 1, &format!("/agent approve {old}"), BEA).await;
    assert_eq!(world.standings().await, ["approval"], "the head moved");
    let moved = code(&world.runs().await[0].run.approval.clone().unwrap().inputs).to_owned();
    assert_ne!(moved, old);
    let answer = world.comments().pop().unwrap();
    assert!(answer.contains("has changed since") && answer.contains(&moved), "{answer}");

    let mut body = comment(12, 2, &format!("/agent approve {moved}"), BEA);
    body["issue"]["body"] = "now do something else".into();
    world.deliver_as("issue_comment", "x", body.to_string().as_bytes()).await;
    world.publish().await;
    assert_eq!(world.standings().await, ["approval"], "the text was edited");
    let edited = code(&world.runs().await[0].run.approval.clone().unwrap().inputs).to_owned();
    let mut body = comment(12, 3, &format!("/agent approve {edited}"), BEA);
    body["issue"]["body"] = "now do something else".into();
    world.deliver_as("issue_comment", "y", body.to_string().as_bytes()).await;
    world.publish().await;
    assert_eq!(world.standings().await, ["queued"]);
    let job = world.claim_one().await.unwrap();
    let text = job.files.iter().find(|file| file.name == "body.md").unwrap();
    assert_eq!(text.content.expose(), "now do something else", "it is given what was agreed to");
}

#[tokio::test]
async fn nobody_agrees_in_time() {
    let (world, code) = waiting("{ expires: 2h }").await;
    world.clock.advance(Duration::from_secs(7199));
    world.sweep().await;
    assert_eq!(world.standings().await, ["approval"]);
    world.clock.advance(Duration::from_secs(1));
    world.sweep().await;
    let reason = Reason::ApprovalExpired;
    assert_eq!(world.runs().await[0].run.state, RunState::Done { outcome: Outcome::Cancelled, reason });
    world.comment(12, 1, &format!("/agent approve {code}"), BEA).await;
    assert!(world.comments().pop().unwrap().contains("No run of this item waits"));
}

#[tokio::test]
async fn only_those_whom_the_automation_names() {
    let (world, code) = waiting("{ permission: admin, users: [cleo] }").await;
    world.comment(12, 1, &format!("/agent approve {code}"), BEA).await;
    assert!(world.comments().pop().unwrap().contains("needs admin"));
    world.forge.allow("bea", Permission::Admin);
    world.comment(12, 2, &format!("/agent approve {code}"), BEA).await;
    assert!(world.comments().pop().unwrap().contains("does not name them"));
    world.forge.allow("cleo", Permission::Admin);
    world.comment(12, 3, "/agent approve", ("cleo", 4)).await;
    assert_eq!(world.standings().await, ["queued"]);
}

#[tokio::test]
async fn an_operator_agrees_to_what_was_shown() {
    let (world, _) = waiting("{}").await;
    let record = world.runs().await.remove(0);
    let inputs = record.run.approval.unwrap().inputs;
    let approve =
        async |given: &str| world.dispatcher.approve(record.run.id, given, Approver::Operator).await.unwrap();
    assert_eq!(approve("00000000").await, ApproveAnswer::WrongCode);
    assert_eq!(approve(&inputs).await, ApproveAnswer::Approved);
    assert_eq!(approve(&inputs).await, ApproveAnswer::NotWaiting);
}

#[tokio::test]
async fn what_cannot_start_is_not_asked_for() {
    let world = World::new(&file(&[fix("").replace("['true'] }", "['true'], approval: {} }")])).await;
    world.forge.with(|forge| forge.heads.clear());
    world.label_for(12, "fix", 0).await;
    world.sweep().await;
    let reason = Reason::BranchMissing { branch: "main".into() };
    assert_eq!(world.runs().await[0].run.state, RunState::Done { outcome: Outcome::Failed, reason });
}
