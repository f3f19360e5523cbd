//! What people expect of a job that nothing goes wrong with.

use schemas::automation::{ChangeLimits, Span, Validate};
use schemas::report::Phase;
use schemas::run::{Outcome, Reason, Step};

use crate::support::Site;
use crate::support::site::git;

#[tokio::test]
async fn a_change_becomes_a_pushed_commit() {
    let site = Site::new("echo one > a; echo two > b; mkdir d; echo three > d/c; printf '#!/bin/sh\n' > run; chmod +x run; ln -s a link").await;
    let mut job = site.job(&[
        "echo changed > a; rm b; mv d/c d/e; chmod -x run; rm link; ln -s d/e link; echo new > 'with space'",
        "cat \"$EVENT_DIR/event.json\"; echo \"$PULLWRIGHT_EVENT $CI $GREETING\"",
    ]);
    job.spec.env.insert("GREETING".into(), "hello".into());
    let run = job.run;
    let report = site.run(job).await;

    assert_eq!((report.outcome, &report.reason), (Outcome::Succeeded, &Reason::Published), "{report:?}");
    let of = |mode: &str, content: &str| (mode.to_owned(), content.to_owned());
    let expected = [
        ("a", of("100644", "changed\n")),
        ("d/e", of("100644", "three\n")),
        ("link", of("120000", "d/e")),
        ("run", of("100644", "#!/bin/sh\n")),
        ("with space", of("100644", "new\n")),
    ];
    assert_eq!(site.pushed(), expected.map(|(path, file)| (path.to_owned(), file)).into());

    let show = git(&site.origin(), &["show", "-s", "--format=%P|%an|%ae|%at|%cn|%s|%b", "pullwright/result"]);
    let expected =
        format!("{}|Pullwright bot|bot@example.com|1767323045|Pullwright bot|Fix it|Because.", site.base);
    assert_eq!(String::from_utf8(show).unwrap().trim(), expected);

    let change = report.change.unwrap();
    assert_eq!(change.base, site.base);
    let mut paths: Vec<_> = change.files.iter().map(|f| (f.path.expose(), f.added, f.removed)).collect();
    paths.sort_unstable();
    assert_eq!(paths[0], ("a", Some(1), Some(1)));
    assert!(change.diff.expose().contains("-one\n+changed\n") && !change.diff_cut);
    assert_eq!(report.commands.len(), 2);
    assert_eq!(report.commands[1].phase, Phase::Commands);
    assert_eq!(
        report.commands[1].tail.expose(),
        "{\"n\":1}\n/event/event.json true hello\n".replace("}\n", "}")
    );
    assert_eq!(report.sandbox, "plain shell");
    let steps: Vec<_> = report.steps.iter().map(|s| s.step.as_str()).collect();
    assert_eq!(steps, ["workspace", "commands", "result", "push"]);
    site.control.change(|state| {
        assert_eq!(state.steps, [Step::Workspace, Step::Commands, Step::Result, Step::Push]);
        assert!(state.log().contains(&"/event/event.json".to_string()), "{run}");
    });
}

#[tokio::test]
async fn no_change_is_no_commit() {
    // What git would convert stays as it is: nothing differs from the base.
    let site = Site::new("printf '* text=auto eol=crlf\n*.bin filter=lfs\n' > .gitattributes; printf 'a\nb\n' > x.txt; echo pointer > y.bin").await;
    for commands in [&["true"][..], &["touch x.txt; cp x.txt t; cat t > x.txt; rm t"], &["mkdir empty"]] {
        let report = site.run(site.job(commands)).await;
        assert_eq!(
            (report.outcome, report.reason),
            (Outcome::NoChange, Reason::NothingChanged),
            "{commands:?}"
        );
    }
    assert!(!site.has_branch());
}

#[tokio::test]
async fn a_quick_rewrite_of_the_same_size_is_seen() {
    let site = Site::new("echo one > a").await;
    let report = site.run(site.job(&["echo two > a; touch -r . a"])).await;
    assert_eq!(report.reason, Reason::Published);
    assert_eq!(site.pushed()["a"].1, "two\n");
}

#[tokio::test]
async fn ignored_files_stay_out_unless_they_are_tracked() {
    let site = Site::new("mkdir -p out keep/deep; echo '/out\n*.log\n!keep.log\n' > .gitignore; echo 'deep/' > keep/.gitignore; echo t > out/tracked; echo x > keep/deep/x").await;
    let report = site
        .run(site.job(&["echo changed > out/tracked; echo no > out/new; echo no > a.log; echo yes > keep.log; echo changed > keep/deep/x; echo no > keep/deep/y; mkdir -p out/sub; echo no > out/sub/z"]))
        .await;
    assert_eq!(report.reason, Reason::Published);
    let mut changed: Vec<_> =
        report.change.unwrap().files.iter().map(|f| f.path.expose().to_owned()).collect();
    changed.sort_unstable();
    assert_eq!(changed, ["keep.log", "keep/deep/x", "out/tracked"]);
}

#[tokio::test]
async fn git_works_inside_and_its_commits_do_not_matter() {
    let site = Site::new("echo one > a; echo sub > b").await;
    let report = site
        .run(site.job(&["git status --porcelain; git log --oneline; echo two > a; git -c user.name=x -c user.email=x@y commit -qam inside; rm -rf .git"]))
        .await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    let parents = git(&site.origin(), &["rev-list", "--count", "pullwright/result"]);
    assert_eq!(String::from_utf8(parents).unwrap().trim(), "2");
}

#[tokio::test]
async fn a_warm_mirror_is_not_fetched_again() {
    let mut site = Site::new("echo one > a").await;
    site.run(site.job(&["true"])).await;
    let fetched = site.server.count("git-upload-pack");
    assert!(fetched > 0);
    site.run(site.job(&["true"])).await;
    assert_eq!(site.server.count("git-upload-pack"), fetched);
    site.base = site.commit("echo two > a");
    let report = site.run(site.job(&["grep two a"])).await;
    assert_eq!(report.reason, Reason::NothingChanged);
    assert!(site.server.count("git-upload-pack") > fetched);
}

#[tokio::test]
async fn a_rewritten_branch_and_a_branch_below_a_former_branch() {
    let mut site = Site::new("echo one > a").await;
    let old = site.base.clone();
    git(&site.origin(), &["branch", "dev", "main"]);
    let mut job = site.job(&["true"]);
    job.base_branch = "dev".into();
    site.run(job).await;
    git(&site.origin(), &["branch", "-D", "dev"]);
    site.base = site.commit("echo two > a");
    git(&site.origin(), &["branch", "dev/two", "main"]);
    let mut job = site.job(&["true"]);
    job.base_branch = "dev/two".into();
    assert_eq!(site.run(job).await.reason, Reason::NothingChanged);
    // The base is no more on the branch by the time the worker comes.
    std::fs::remove_dir_all(site.data_dir()).unwrap();
    let orphan = git(&site.origin(), &["commit-tree", &format!("{}^{{tree}}", site.base), "-m", "other"]);
    git(&site.origin(), &["update-ref", "refs/heads/main", String::from_utf8(orphan).unwrap().trim()]);
    site.base = old;
    let report = site.run(site.job(&["grep one a"])).await;
    assert_eq!(report.reason, Reason::NothingChanged, "{report:?}");
}

#[tokio::test]
async fn the_branch_is_moved_from_where_it_was() {
    let site = Site::new("echo one > a").await;
    site.run(site.job(&["echo two > a"])).await;
    let first = String::from_utf8(git(&site.origin(), &["rev-parse", "pullwright/result"])).unwrap();
    // Not there any more as far as the grant knows: refused.
    let report = site.run(site.job(&["echo three > a"])).await;
    assert_eq!(report.reason, Reason::BranchMoved { branch: "pullwright/result".into() });
    site.control.change(|state| state.branch_at = Some(first.trim().parse().unwrap()));
    let report = site.run(site.job(&["echo three > a"])).await;
    assert_eq!(report.reason, Reason::Published);
    assert_eq!(site.pushed()["a"].1, "three\n");
}

#[tokio::test]
async fn a_dry_run_pushes_nothing() {
    let site = Site::new("echo one > a").await;
    site.control.change(|state| state.keep = true);
    let report = site.run(site.job(&["echo two > a"])).await;
    assert_eq!((report.outcome, report.reason), (Outcome::Succeeded, Reason::DryRun));
    assert!(report.change.is_some());
    assert!(!site.has_branch());
    assert_eq!(site.server.count("git-receive-pack"), 0);
}

#[tokio::test]
async fn phases_and_what_their_failures_mean() {
    let site = Site::new("mkdir sub; echo one > sub/a").await;
    let failed = |command: &str, exit_code| Reason::CommandFailed { command: command.into(), exit_code };

    let mut job = site.job(&["echo never"]);
    job.setup.setup = vec!["exit 3".into()];
    let report = site.run(job).await;
    assert_eq!((report.reason, report.commands.len()), (failed("exit 3", 3), 1));

    let report = site.run(site.job(&["true", "kill -9 $$", "echo never"])).await;
    assert_eq!((report.reason, report.commands.len()), (failed("kill -9 $$", 137), 2));

    let judge = "touch left-by-a-test; exit 4";
    let refused = Reason::ValidationFailed { command: judge.into(), exit_code: 4 };
    site.control.change(|state| state.keep = true);
    for (validate, reason, commands) in [
        (Validate::Required, refused, 2),
        (Validate::Advisory, Reason::DryRun, 3),
        (Validate::Off, Reason::DryRun, 1),
    ] {
        let mut job = site.job(&["echo two > sub/b"]);
        job.setup.validate = vec![judge.into(), "true".into()];
        job.spec.validate = Some(validate);
        let report = site.run(job).await;
        let published = report.reason == Reason::DryRun;
        assert_eq!((report.reason, report.commands.len()), (reason, commands));
        let files = report.change.map(|change| change.files).unwrap_or_default();
        let files: Vec<&str> = files.iter().map(|file| file.path.expose()).collect();
        assert!(!published || files == ["sub/b"], "what validation leaves is in no commit: {files:?}");
    }
    let mut unchanged = site.job(&["true"]);
    unchanged.setup.validate = vec!["exit 4".into()];
    let report = site.run(unchanged).await;
    assert_eq!((report.reason, report.commands.len()), (Reason::NothingChanged, 1), "nothing to judge");

    let mut job = site.job(&["cat a"]);
    job.spec.working_directory = Some("sub".into());
    assert_eq!(site.run(job).await.reason, Reason::NothingChanged);
    for outside in ["../x", "/etc", "sub/../../x"] {
        let mut job = site.job(&["true"]);
        job.spec.working_directory = Some(outside.into());
        assert!(matches!(site.run(job).await.reason, Reason::CheckoutFailed { .. }));
    }

    let mut job = site.job(&["sleep 0.2", "sleep 600"]);
    job.spec.timeout = Some(Span(std::time::Duration::from_secs(1)));
    let report = site.run(job).await;
    assert_eq!((report.reason, report.commands.len()), (Reason::TimedOut { after_seconds: 1 }, 2));
}

#[tokio::test]
async fn secrets_are_masked_in_logs_tails_and_diffs() {
    let site = Site::new("echo one > a").await;
    let encoded = "aHVudGVyMi1odW50ZXIy"; // base64 of the value
    let commands = [
        "echo plain hunter2-hunter2; echo hunter2-hunter2 | base64; printf x:hunter2-hunter2 | base64; printf xy:hunter2-hunter2 | base64",
        "printf hunter2-hunter2 | od -An -tx1 | tr -d ' \\n'; echo; echo a second line of a file; echo ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "printf -- '-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\n-----END RSA PRIVATE KEY-----\\nafter\\n'",
        // Across the cut of a long line.
        "head -c 16377 /dev/zero | tr '\\0' a; echo hunter2-hunter2",
        "echo glpat-abcdefghij0123456789 > a",
    ];
    let report = site.run(site.job(&commands)).await;
    let log = site.control.change(|state| state.log());
    let texts = [
        log,
        report.commands.iter().map(|c| c.tail.expose()).collect(),
        report.change.unwrap().diff.expose().to_owned(),
    ];
    for text in &texts {
        for secret in [
            "hunter2",
            encoded,
            "68756e746572",
            "second line",
            "ghp_abc",
            "MIIEow",
            "glpat-abc",
            "VudGVyMi1odW50ZX",
            "h1bnRlcjItaHVudGVy",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("[redacted]"));
    }
    assert!(texts[0].contains("after") && texts[0].contains("plain [redacted]"));
}

#[tokio::test]
async fn a_closed_gate_ends_it_before_anything_else_runs() {
    let site = Site::new("echo one > a").await;
    let mut job = site.job(&["echo two > a"]);
    job.setup.setup = vec!["echo set up > b".into()];
    job.spec.gate = vec!["true".into(), "test -e nothing".into(), "touch never".into()];
    let report = site.run(job.clone()).await;
    let reason = Reason::GateClosed { command: "test -e nothing".into(), exit_code: 1 };
    assert_eq!((report.outcome, report.reason), (Outcome::NoChange, reason));
    assert!(report.commands.iter().all(|command| command.phase == Phase::Gate));
    assert_eq!(report.commands.len(), 2);
    job.spec.gate = vec!["true".into()];
    assert_eq!(site.run(job).await.reason, Reason::Published);
}

#[tokio::test]
async fn a_result_over_its_limits_is_not_pushed() {
    let site = Site::new("echo one > a").await;
    for (files, lines, because) in [
        (Some(1), None, "it changes 2 files, and `limits` allows 1"),
        (None, Some(3), "it changes 4 lines, and `limits` allows 3"),
    ] {
        let mut job = site.job(&["echo two > a; printf '1\n2\n' > b"]);
        job.limits = ChangeLimits { files, lines };
        let reason = Reason::ResultRefused { because: because.into() };
        assert_eq!(site.run(job).await.reason, reason);
    }
    let mut job = site.job(&["echo two > a; printf '1\n2\n' > b"]);
    job.limits = ChangeLimits { files: Some(2), lines: Some(4) };
    assert_eq!(site.run(job).await.reason, Reason::Published);
}

/// A result that was made anew takes the place of what the branch holds, whatever that stands on.
#[tokio::test]
async fn a_branch_is_replaced_by_exactly_what_was_granted() {
    let mut site = Site::new("echo one > a").await;
    assert_eq!(site.run(site.job(&["echo two > a"])).await.reason, Reason::Published);
    let first = site.tip("pullwright/result");
    site.base = site.commit("echo more > b");
    site.control.change(|state| state.branch_at = Some(first.clone()));
    let report = site.run(site.job(&["echo three > a"])).await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    assert_eq!(site.pushed()["a"].1, "three\n");
    assert_eq!(site.pushed()["b"].1, "more\n");
    let tree = report.change.unwrap().tree.unwrap();
    assert_eq!(tree, site.tip("pullwright/result^{tree}"));
}

#[tokio::test]
async fn a_commit_goes_on_top_of_a_branch() {
    let mut site = Site::new("echo one > a").await;
    assert_eq!(site.run(site.job(&["echo two > b"])).await.reason, Reason::Published);
    let first = site.tip("pullwright/result");
    site.control.change(|state| state.branch_at = Some(first.clone()));
    site.base = first.clone();
    let mut job = site.job(&["cat b; echo three > c"]);
    job.base_branch = "pullwright/result".into();
    assert_eq!(site.run(job).await.reason, Reason::Published);
    assert_eq!(site.tip("pullwright/result^"), first);
    assert_eq!(site.pushed().len(), 3);
}
