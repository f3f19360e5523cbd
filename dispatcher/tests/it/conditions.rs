//! `if` and `${{ }}` on the way from a delivery to a run.

use dispatcher::decide::facts::Facts;
use dispatcher::decide::{Context, Evaluation, decide};
use dispatcher::rules::load_texts;
use schemas::automation::Permission;
use schemas::decision::Verdict;
use schemas::event::Event;

use crate::support::{FIX, World, labeled};

fn decided(condition: &str, event: &Event) -> String {
    let text = FIX.replace("    run:", &format!("    if: \"{condition}\"\n    run:"));
    let set = load_texts([("a.yaml".to_owned(), text)].into()).unwrap();
    match decide(&set.rules()[0], event, &Context::default(), &Facts::default()) {
        Evaluation::NeedsFacts(_) => "a forge is asked".to_owned(),
        Evaluation::Verdict(verdict) => format!("{}: {}", verdict.word(), verdict.sentence()),
        Evaluation::Match(_) => "match".to_owned(),
    }
}

#[test]
fn a_condition_is_asked_before_a_forge_is() {
    let event = labeled("agent:fix");
    let rows =
        ["event.labels.exists(l, l == 'agent:fix')", "'wontfix' in event.labels", "event.labels[7] == 'x'"]
            .map(|condition| format!("{condition}\n    {}", decided(condition, &event)));
    insta::assert_snapshot!(rows.join("\n"));
}

#[tokio::test]
async fn a_run_has_the_values_of_its_event() {
    let texts = "
version: 1
automations:
  - name: fix
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    run: { commands: ['make FIX=${{ item.key }}'], env: { WHO: 'by ${{ actor.login }}' } }
    output: { pull_request: { title: 'Fix ${{ repository.path }} ${{ item.key }}' } }
";
    let world = World::new(texts).await;
    world.forge.allow("a login", Permission::Write);
    let ours = world.labels_issue(7, "ana", &[]).await;
    let theirs = world.labels_issue(8, "a login", &[]).await;
    let runs = world.store.runs(10, None, None).await.unwrap().items;
    assert_eq!(runs.len(), 1);
    let run = &runs[0].run;
    assert_eq!(run.delivery, ours);
    let automation = &run.input.automation;
    assert_eq!(automation.run.commands, ["make FIX=7"]);
    assert_eq!(automation.run.env["WHO"], "by ana");
    assert_eq!(automation.title().unwrap(), "Fix acme/api 7");
    let verdict = world.store.decisions(theirs).await.unwrap().remove(0).verdict;
    let Verdict::Error { message } = verdict else { unreachable!("{verdict:?}") };
    assert!(message.contains("`${{ actor.login }}` is no plain word"), "{message}");
}
