//! `/agent why` and `/agent cancel`, and what an automation hears of them.

use schemas::ControlPlane;
use schemas::control::Orders;

use super::{automation, file, fix};
use crate::control::beat;
use crate::support::World;

const ANA: (&str, u64) = ("ana", 1);

#[tokio::test]
async fn why_tells_what_was_decided_and_what_waits_for_what() {
    let world = World::new(&file(&[fix("    output: { comment: none }\n"), automation("lint", "")])).await;
    world.label_for(12, "fix", 0).await;
    world.label_for(12, "fix", 1).await;
    world.comment(12, 1, "Hm.\n\n/agent why", ANA).await;
    let answer = world.comments().pop().unwrap();
    let (first, second) = (world.runs().await[0].run.id, world.runs().await[1].run.id);
    for part in [
        "`issue.labeled` by `ana`".to_owned(),
        format!("| fix | waiting | `run {second} waits for run {first}` |"),
        format!("- run {second} of **fix**: ⏳ waits for another run, behind run {first}"),
    ] {
        assert!(answer.contains(&part), "{part}\n---\n{answer}");
    }
    world.comment(12, 1, "/agent why", ANA).await;
    assert_eq!(world.comments().len(), 1, "a comment is answered once");
    world.comment(12, 2, "/agent why", ("eve", 3)).await;
    let refused = world.comments().pop().unwrap();
    assert!(refused.contains("needs write") && !refused.contains("labeled"), "{refused}");
}

#[tokio::test]
async fn cancel_ends_every_run_of_the_item() {
    let world = World::new(&file(&[fix("    output: { comment: none }\n")])).await;
    for (number, after) in [(12, 0), (12, 1), (13, 0)] {
        world.label_for(number, "fix", after).await;
    }
    let job = world.claim_one().await.unwrap();
    world.comment(12, 1, "/agent cancel", ("eve", 3)).await;
    assert_eq!(world.standings().await, ["active", "concurrency", "queued"]);
    world.comment(12, 2, "/agent cancel please", ANA).await;
    assert_eq!(world.standings().await, ["active", "cancelled", "queued"]);
    assert_eq!(world.dispatcher.heartbeat(job.run, job.epoch, beat(1)).await, Ok(Orders::Cancel));
    world.comment(14, 3, "/agent cancel", ANA).await;
    assert!(world.comments().pop().unwrap().contains("Nothing is under way"));
}

#[tokio::test]
async fn our_own_commands_are_no_automations() {
    let listens = "
version: 1
automations:
  - name: follow
    on: [{ source: github, event: comment.created, command: /agent }]
    run: { commands: ['true'] }
";
    let world = World::new(listens).await;
    for (text, id) in ["/agent why", "/agent cancel", "/agent approve 12345678"].into_iter().zip(1..) {
        let body = super::comment(12, id, text, ANA).to_string();
        let delivery = world.deliver_as("issue_comment", text, body.as_bytes()).await;
        let verdict = world.store.decisions(delivery).await.unwrap().remove(0).verdict;
        assert!(verdict.sentence().contains("which Pullwright answers itself"), "{}", verdict.sentence());
    }
    assert!(world.runs().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_got_none_is_not_given_twice() {
    let unclear = || forge::ForgeError::Unclear { message: "502".into() };
    for happens in [true, false] {
        let world = World::new(&file(&[fix("")])).await;
        world.forge.with(|forge| forge.faults = vec![(unclear(), happens)]);
        for _ in 0..5 {
            world.comment(12, 1, "/agent why", ANA).await;
        }
        assert_eq!(world.comments().len(), 1, "happened: {happens}");
    }
}
