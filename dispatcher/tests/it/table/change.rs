//! `branches`, `paths`, `draft`, `fork`, `own_pull_request`, `conclusion`, `dedupe`.

use schemas::Event;
use serde_json::json;

use super::events::{github, gitlab};
use super::{Table, World};

fn comment_on_pull_request() -> Event {
    let link = json!({ "url": "https://api.github.com/repos/acme/api/pulls/12" });
    github("comment.created", &[("/issue/pull_request", link)])
}

#[test]
fn changes() {
    let world = &World::default();
    let mut table = Table::default();

    table.group("branches");
    let rows = [
        ("main", "main"),
        ("release/*", "release/1.2"),
        ("release/*", "release/1/2"),
        ("release/**", "release/1/2"),
        ("['**', '!main']", "main"),
        ("['!main']", "dev"),
        ("[main, dev]", "dev"),
        ("main", "maintenance"),
    ];
    for (wanted, branch) in rows {
        let on = format!("source: github, event: pull_request.opened, branches: {wanted}");
        let event = github("pull_request.opened", &[("/pull_request/base/ref", json!(branch))]);
        table.row(&format!("{wanted}, a pull request to {branch}"), &on, "", &event, world);
    }
    for reference in ["refs/heads/main", "refs/heads/dev", "refs/tags/main"] {
        let on = "source: github, event: push, branches: main";
        table.row(
            &format!("push of {reference}"),
            on,
            "",
            &github("push", &[("/ref", json!(reference))]),
            world,
        );
        let on = "source: gitlab, event: push, branches: main";
        table.row(
            &format!("gitlab, push of {reference}"),
            on,
            "",
            &gitlab("push", &[("/ref", json!(reference))]),
            world,
        );
    }
    let on = "source: gitlab, event: pull_request.opened, branches: main";
    table.row("gitlab, a merge request to main", on, "", &gitlab("pull_request.opened", &[]), world);
    let on = "source: github, event: pipeline.completed, branches: greet-at-the-start";
    table.row("a pipeline on the branch", on, "", &github("pipeline.completed", &[]), world);
    let on = "source: github, event: pipeline.completed, branches: main";
    table.row("a pipeline goes by its own branch", on, "", &github("pipeline.completed", &[]), world);
    let on = "source: github, event: comment.created, branches: main";
    table.row("a comment on a pull request, asked", on, "", &comment_on_pull_request(), world);
    let mut other = world.clone();
    other.pull_request.base_ref = "dev".to_owned();
    table.row("a comment on one to another branch", on, "", &comment_on_pull_request(), &other);
    table.row("a comment on an issue", on, "", &github("comment.created", &[]), world);

    table.group("paths");
    let rows: [(&str, &[&str]); 8] = [
        ("'src/**'", &["src/main.rs"]),
        ("'src/**'", &["docs/a.md", "src/a/b.rs"]),
        ("'src/*'", &["src/a/b.rs"]),
        ("'**/*.md'", &["README.md"]),
        ("['src/**', '!**/*.md']", &["src/a.md"]),
        ("['!docs/**']", &["docs/a.md"]),
        ("['!docs/**']", &["docs/a.md", "src/main.rs"]),
        ("'src/**'", &[]),
    ];
    for (wanted, paths) in rows {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let on = format!("source: github, event: pull_request.updated, paths: {wanted}");
        let world = World { paths: Ok(paths.clone()), ..world.clone() };
        table.row(&format!("{wanted} of {paths:?}"), &on, "", &github("pull_request.updated", &[]), &world);
    }
    let on = "source: github, event: pull_request.updated, paths: 'src/**'";
    let silent = World { paths: Err("no answer".to_owned()), ..world.clone() };
    table.row("not answered", on, "", &github("pull_request.updated", &[]), &silent);
    let on = "source: github, event: pull_request.updated, paths: 'src/**', branches: dev";
    table.row(
        "nobody is asked when the branch is another",
        on,
        "",
        &github("pull_request.updated", &[]),
        world,
    );
    let on = "source: github, event: push, paths: 'src/**'";
    table.row("a push", on, "", &github("push", &[]), world);
    let zero = json!("0".repeat(40));
    table.row("a push of a new branch", on, "", &github("push", &[("/before", zero.clone())]), world);
    table.row("a deleted branch", on, "", &github("push", &[("/after", zero)]), world);
    let on = "source: gitlab, event: pull_request.opened, paths: 'docs/**'";
    table.row("gitlab, other files", on, "", &gitlab("pull_request.opened", &[]), world);

    table.group("draft and fork");
    for (wanted, is) in [(true, true), (true, false), (false, true), (false, false)] {
        let on = format!("source: github, event: pull_request.opened, draft: {wanted}");
        let event = github("pull_request.opened", &[("/pull_request/draft", json!(is))]);
        table.row(&format!("draft: {wanted}, it is {is}"), &on, "", &event, world);
        let on = format!("source: gitlab, event: pull_request.opened, draft: {wanted}");
        let event = gitlab("pull_request.opened", &[("/object_attributes/draft", json!(is))]);
        table.row(&format!("gitlab, draft: {wanted}, it is {is}"), &on, "", &event, world);
        let on = format!("source: github, event: pull_request.opened, fork: {wanted}");
        let from = if is { "eve/api" } else { "acme/api" };
        let event = github("pull_request.opened", &[("/pull_request/head/repo/full_name", json!(from))]);
        table.row(&format!("fork: {wanted}, it is {is}"), &on, "allow: { forks: true }", &event, world);
    }
    let mut draft = world.clone();
    draft.pull_request.draft = true;
    let on = "source: github, event: comment.created, draft: true";
    table.row("a comment on a draft, asked", on, "", &comment_on_pull_request(), &draft);
    table.row("a comment on an issue", on, "", &github("comment.created", &[]), world);

    table.group("own_pull_request");
    let own = World { own: true, ..world.clone() };
    for wanted in [true, false] {
        let on = format!("source: github, event: review.submitted, own_pull_request: {wanted}");
        table.row(&format!("{wanted}, ours"), &on, "", &github("review.submitted", &[]), &own);
        table.row(&format!("{wanted}, another's"), &on, "", &github("review.submitted", &[]), world);
    }
    let on = "source: github, event: pipeline.completed, own_pull_request: true";
    table.row("a pipeline on our commit", on, "", &github("pipeline.completed", &[]), &own);
    table.row("a pipeline on another's", on, "", &github("pipeline.completed", &[]), world);
    let on = "source: github, event: comment.created, own_pull_request: true";
    table.row("a comment on an issue", on, "", &github("comment.created", &[]), &own);

    table.group("conclusion");
    for wanted in ["failure", "success", "[success, failure]"] {
        let on = format!("source: github, event: pipeline.completed, conclusion: {wanted}");
        table.row(&format!("github, {wanted}"), &on, "", &github("pipeline.completed", &[]), world);
        let on = format!("source: gitlab, event: pipeline.completed, conclusion: {wanted}");
        table.row(&format!("gitlab, {wanted}"), &on, "", &gitlab("pipeline.completed", &[]), world);
    }

    table.group("dedupe.skip_if_open_pr");
    let on = "source: github, event: issue.opened";
    let more = "dedupe: { skip_if_open_pr: true }";
    table.row("none is open", on, more, &github("issue.opened", &[]), world);
    let open = World { open_pull_request: Some(57), ..world.clone() };
    table.row("one is open", on, more, &github("issue.opened", &[]), &open);
    table.row("one is open, not asked for", on, "", &github("issue.opened", &[]), &open);
    insta::assert_snapshot!(table.text());
}
