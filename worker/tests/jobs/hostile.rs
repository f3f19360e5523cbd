//! Trees that a sandbox may leave: each is data, and either becomes exactly what it should or is
//! refused with a sentence.

use schemas::run::{Outcome, Reason};

use crate::support::Site;

/// The sentence that refuses what `script` leaves.
async fn refusal(site: &Site, script: &str) -> String {
    let report = site.run(site.job(&[script])).await;
    assert_eq!(report.outcome, Outcome::Failed, "{script}: {report:?}");
    match report.reason {
        Reason::ResultRefused { because } => because,
        other => panic!("{script}: {other:?}"),
    }
}

#[tokio::test]
async fn refused_trees() {
    let site =
        Site::new("echo one > a; mkdir d; echo x > d/x; printf '[submodule \"s\"]\n' > .gitmodules").await;
    let table = [
        ("mkdir .GIT; echo x > .GIT/config", ".GIT/config"),
        ("mkdir d/.git; echo x > d/.git/config", "d/.git/config"),
        ("echo gitdir: /tmp > d/.git", "d/.git"),
        ("git init -q nested", "nested/.git/"),
        ("echo x > 'git~1'", "git~1"),
        ("mkdir 'GIT~1'; echo x > 'GIT~1/x'", "GIT~1"),
        ("echo x > '.git '", ".git"),
        ("echo x > .git.", ".git"),
        ("printf x > \"$(printf '.g\\342\\200\\214it')\"", ".git"),
        ("echo x > '.git::$INDEX_ALLOCATION'", ".git"),
        ("echo x > \"$(printf 'a\\nb')\"", "control characters"),
        ("echo x > \"$(printf 'a\\033b')\"", "control characters"),
        ("echo y >> .gitmodules", "submodules"),
        ("rm .gitmodules", "submodules"),
        ("echo x > .GITMODULES", "submodules"),
        ("ln -s /etc/passwd l", "outside the repository"),
        ("ln -s ../../x d/l", "outside the repository"),
        ("ln -s .git/config l", ".git"),
        ("rm a; ln -s /etc/passwd a", "outside the repository"),
        ("rm -rf d; ln -s .. d", "outside the repository"),
        ("rm a; mkfifo a", "neither a file nor a symlink"),
        ("truncate -s 51M big", "50 MiB"),
        ("truncate -s 51M a", "50 MiB"),
        ("for i in 1 2 3; do head -c 40000000 /dev/zero > big$i; done", "100 MiB"),
        ("mkdir many; cd many; seq 10000 | xargs touch", "3000 files"),
        (
            "python3 -c 'import os\nfor i in range(30): os.mkdir(200 * \"n\"); os.chdir(200 * \"n\")\nopen(\"f\", \"w\")'",
            "4095 bytes",
        ),
    ];
    for (script, part) in table {
        let because = refusal(&site, script).await;
        assert!(because.contains(part), "{script}: {because}");
    }
    assert!(!site.has_branch());
    assert_eq!(site.server.count("git-receive-pack"), 0);
}

#[tokio::test]
async fn protected_paths() {
    let site = Site::new("mkdir -p .github/workflows docs; echo x > .github/workflows/ci.yml; echo x > a.lock; echo x > docs/a").await;
    let table = [
        (".github/**", "echo y > .github/workflows/ci.yml", ".github/workflows/ci.yml"),
        (".github/**", "echo y > .github/new", ".github/new"),
        (".github", "rm -rf .github", ".github/workflows/ci.yml"),
        ("*.lock", "chmod +x a.lock", "a.lock"),
        ("**/a", "rm docs/a", "docs/a"),
    ];
    for (glob, script, path) in table {
        let mut job = site.job(&[script]);
        job.setup.protected_paths = vec![glob.into()];
        let report = site.run(job).await;
        let Reason::ResultRefused { because } = report.reason else {
            panic!("{script}: {:?}", report.reason)
        };
        assert!(because.contains(path) && because.contains("protected"), "{because}");
    }
    let mut job = site.job(&["echo y > docs/b.lock"]);
    job.setup.protected_paths = vec![".github/**".into(), "*.lock".into()];
    assert_eq!(site.run(job).await.reason, Reason::Published, "a star stays in its folder");
}

#[tokio::test]
async fn odd_trees_that_are_fine() {
    let site =
        Site::new("echo one > a; mkdir d; echo x > d/x; ln -s d/x l; echo y > deep; ln -s /etc/hosts out")
            .await;
    let script = [
        // What git cannot hold is not there.
        "mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'",
        // Names are bytes.
        "printf x > \"$(printf 'caf\\351')\"; printf x > 'quote\"back\\slash'; printf x > ' lead'; printf x > -dash",
        // A folder becomes a file, a file a folder, a link a folder.
        "rm -rf d; echo file > d; rm a; mkdir a; echo in > a/in; rm l; mkdir l; echo in > l/in",
        // A thousand folders deep.
        "mkdir -p $(seq 1000 | sed 's/.*/e/' | tr '\\n' '/'); cd $(seq 1000 | sed 's/.*/e/' | tr '\\n' '/'); echo bottom > f",
        // Closed folders and files.
        "mkdir closed; echo in > closed/in; chmod 000 closed; echo shut > shut; chmod 000 shut",
        "ln -s a/in inside; mkdir -p z/y; ln -s ../../a z/y/up",
    ];
    let report = site.run(site.job(&script)).await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    let pushed = site.pushed();
    let deep = format!("{}f", "e/".repeat(1000));
    let expected = [
        " lead",
        "-dash",
        "a/in",
        "caf\u{fffd}",
        "closed/in",
        "d",
        "deep",
        deep.as_str(),
        "inside",
        "l/in",
        "out",
        "quote\"back\\slash",
        "shut",
        "z/y/up",
    ];
    assert_eq!(pushed.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(pushed["closed/in"].1, "in\n");
    assert_eq!(pushed["z/y/up"], ("120000".to_owned(), "../../a".to_owned()));
}

#[tokio::test]
async fn a_folder_that_is_swapped_for_a_link_is_not_followed() {
    let site = Site::new("mkdir d; echo x > d/passwd; echo k > k").await;
    let report = site.run(site.job(&["mkdir real; mv d/passwd real/; rmdir d; ln -s real d"])).await;
    assert_eq!(report.reason, Reason::Published);
    let paths: Vec<_> = site.pushed().into_iter().map(|(path, (mode, _))| (path, mode)).collect();
    let of = |path: &str, mode: &str| (path.to_owned(), mode.to_owned());
    assert_eq!(paths, [of("d", "120000"), of("k", "100644"), of("real/passwd", "100644")]);
}

#[tokio::test]
async fn submodules_stay_as_they_are() {
    let site = Site::new("echo one > a; mkdir sub; git init -q sub; cd sub; git -c user.name=x -c user.email=x@y commit -q --allow-empty -m s").await;
    let report = site.run(site.job(&["ls sub; echo two > a; echo x > sub/file; git init -q sub"])).await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    assert_eq!(site.pushed()["sub"].0, "160000");
    assert_eq!(report.change.unwrap().files.len(), 1);
    assert!(refusal(&site, "rm -rf sub; echo x > .git.").await.contains(".git"));
}

#[tokio::test]
async fn ten_thousand_files_are_compared() {
    let site = Site::new("mkdir many; cd many; for i in $(seq 10000); do echo $i > f$i; done").await;
    let report = site.run(site.job(&["echo x > many/f77; rm many/f78; echo 9999 > many/f9999"])).await;
    assert_eq!(report.reason, Reason::Published);
    assert_eq!(report.change.unwrap().files.len(), 2);
}

#[tokio::test]
async fn trees_that_are_hard_to_remove() {
    let site = Site::new("echo one > a").await;
    // Too deep for any path and for any recursion; `run` checks that nothing is left.
    let script = "python3 -c '
import os
for i in range(5000):
    os.mkdir(\"deep\"); os.chdir(\"deep\")
' ; mkdir -p $HOME/x/y; touch $HOME/x/y/z; chmod 000 $HOME/x/y $HOME/x; mkdir .removing; ln -s /etc .removing/l; echo x > .removing/f";
    let because = refusal(&site, script).await;
    assert!(because.contains("4095 bytes"), "{because}");
}
