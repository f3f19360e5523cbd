//! `${{ }}`: what is refused when it is loaded, and that no value can be more than a word.

use std::process::Command;

use dispatcher::interpolate::{RenderError, Values, check, check_command, render};
use proptest::prelude::*;
use schemas::automation::Automation;
use schemas::event::{Event, EventType};
use schemas::{ConnectionName, RepoRef, RunId};

use crate::support::{everything, nothing};

fn automation() -> Automation {
    serde_json::from_value(serde_json::json!({ "name": "fix", "on": [] })).unwrap()
}

fn rendered(text: &str, event: &Event) -> Result<String, RenderError> {
    let repository = RepoRef::new(&ConnectionName::from("github"), "acme/api").unwrap();
    let automation = automation();
    let run = RunId(uuid::Uuid::from_u128(9));
    render(text, &Values { run, automation: &automation, event, repository: &repository })
}

#[test]
fn every_name_has_its_value() {
    let mut event = everything();
    let mut rows = Vec::new();
    for name in [
        "run.id",
        "automation.name",
        "event.id",
        "event.type",
        "event.source",
        "event.connection",
        "repository.name",
        "repository.path",
        "item.key",
        "comment.id",
        "change.head",
        "change.base",
        "actor.id",
        "actor.login",
        "project",
    ] {
        let text = format!("${{{{ {name} }}}}");
        assert_eq!(check(&text), Ok(()), "{name}");
        rows.push(format!("{name} = {}", rendered(&text, &event).unwrap()));
    }
    event.r#type = EventType::ScheduleFired;
    rows.push(format!("schedule.time = {}", rendered("${{schedule.time}}", &event).unwrap()));
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn around_a_value_everything_stays_as_it_is() {
    let event = everything();
    assert_eq!(rendered("a $X ${Y} $((1+1)) }} {{ ü", &event).unwrap(), "a $X ${Y} $((1+1)) }} {{ ü");
    assert_eq!(rendered("fix/${{item.key}}-${{  project  }}!", &event).unwrap(), "fix/12-PAY!");
}

#[test]
fn what_is_no_value_is_refused_when_loaded() {
    let mut rows = Vec::new();
    for text in [
        "echo ${{ item.title }}",
        "echo ${{ event.item.title }}",
        "echo ${{ github.event.issue.title }}",
        "echo ${{ comment.body }}",
        "echo ${{ change.head_ref }}",
        "echo ${{ github.head_ref }}",
        "echo ${{ event.label }}",
        "echo ${{ event.item.key }}",
        "echo ${{ item.number }}",
        "echo ${{ item.kye }}",
        "echo ${{ actor.name }}",
        "echo ${{ secrets.TOKEN }}",
        "echo ${{ item.key || 'x' }}",
        "echo ${{ }}",
        "echo ${{ item.key }",
        "echo ${{ ${{ item.key }} }}",
    ] {
        let error = check(text).unwrap_err();
        let marked = format!("{}{}", " ".repeat(error.offset), "^".repeat(error.len));
        rows.push(format!("{text}\n{marked}\n{}\n  {}\n", error.message, error.remedy));
    }
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn no_value_may_be_the_command() {
    for line in [
        "${{ project }}",
        "  ${{ project }} x",
        "true; ${{ project }}",
        "true && ${{ project }} x",
        "a | \"${{ project }}\"",
        "x=$(${{ project }})",
        "`${{ project }}`",
        "true\n${{ project }}",
        "! ${{ project }}",
        "{ ${{ project }}; }",
    ] {
        assert!(check_command(line).is_err(), "{line}");
    }
    for line in [
        "echo ${{ project }}",
        "make P=${{ project }}",
        "git log '${{ change.base }}..${{ change.head }}'",
        "plain",
    ] {
        assert_eq!(check_command(line), Ok(()), "{line}");
    }
}

#[test]
fn a_value_that_is_no_word_is_an_error_and_says_which() {
    let login = |login: &str| {
        let mut event = everything();
        event.actor.as_mut().unwrap().login = login.to_owned();
        rendered("echo ${{ actor.login }}", &event).map_err(|error| error.to_string())
    };
    insta::assert_snapshot!(login("dependabot[bot]").unwrap_err());
    insta::assert_snapshot!(rendered("${{ item.key }}", &nothing()).unwrap_err().to_string());
    let long = "a".repeat(201);
    for bad in [
        "", "a b", "-rf", "$HOME", "a;b", "a&b", "a`b", "a'b", "a\"b", "a\nb", "..", "a/../b", "~root", "*",
        "a*", "a=b", "é", &long,
    ] {
        assert!(login(bad).is_err(), "{bad:?}");
    }
    for good in ["ana", "a-b_c.d", "team/ana", "ana@example.org", "1", &"a".repeat(200)] {
        assert_eq!(login(good).unwrap(), format!("echo {good}"));
    }
    assert_eq!(
        rendered("${{ schedule.time }}", &everything()),
        Err(RenderError::Absent { name: "schedule.time" })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A real shell sees the words of the template, whatever the value, or there is no run at all.
    #[test]
    fn no_value_adds_a_word_or_a_command(
        login in prop_oneof![
            any::<String>(),
            "[-a-z0-9 ;&|$`'\"\\\\(){}<>*?~!#=\\[\\]\n./@:+_%^,]{0,12}",
            "[A-Za-z0-9._/@:+-]{0,20}",
            prop::sample::select(vec!["x[bot]", "$(id)", "a b", "a\u{a0}b", "if", "a..b", "~", "~root", "-n", "a\\", "a!b"]).prop_map(str::to_owned),
        ],
    ) {
        let mut event = everything();
        event.actor.as_mut().unwrap().login.clone_from(&login);
        let template = "printf '[%s]' before ${{ actor.login }} --x=${{ actor.login }} \"${{ actor.login }}\" after";
        if let Ok(line) = rendered(template, &event) {
            let output = Command::new("/bin/sh").args(["-c", &line]).output().unwrap();
            let seen = String::from_utf8(output.stdout).unwrap();
            prop_assert_eq!(seen, format!("[before][{login}][--x={login}][{login}][after]"));
        }
    }
}
