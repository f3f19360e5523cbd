//! Repositories and workspaces that try to make the host's git run something.

use std::fs;

use schemas::run::Reason;

use crate::support::Site;

/// Everything that git can be told to run, written into the workspace by its commands.
#[tokio::test]
async fn nothing_in_the_workspace_is_ever_executed() {
    let site = Site::new("echo one > a; echo two > b.txt").await;
    let marker = site.folder.path().join("executed");
    let trap = site.folder.path().join("trap");
    fs::write(&trap, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", marker.display())).unwrap();
    let trap = trap.display();
    let script = format!(
        r#"chmod +x {trap}
        git config core.fsmonitor {trap}
        git config core.hooksPath hooks
        git config core.sshCommand {trap}
        git config core.pager {trap}
        git config core.editor {trap}
        git config core.gitProxy {trap}
        git config core.alternateRefsCommand {trap}
        git config credential.helper '!{trap}'
        git config filter.evil.clean {trap}
        git config filter.evil.smudge {trap}
        git config filter.evil.process {trap}
        git config diff.evil.textconv {trap}
        git config diff.evil.command {trap}
        git config diff.external {trap}
        git config merge.evil.driver {trap}
        git config gpg.program {trap}
        git config commit.gpgSign true
        git config uploadpack.packObjectsHook {trap}
        git config include.path ../evil.inc
        git config remote.origin.url 'ext::{trap}'
        git config url.ext::{trap}.insteadOf http
        git config alias.fast-import '!{trap}'
        printf '[core]\n\tfsmonitor = {trap}\n' > evil.inc
        mkdir -p hooks .git/hooks
        for hook in pre-commit post-checkout post-index-change pre-push reference-transaction update post-update; do
            cp {trap} hooks/$hook; cp {trap} .git/hooks/$hook
        done
        echo '* filter=evil diff=evil merge=evil' > .gitattributes
        mkdir -p .git/info; cp .gitattributes .git/info/attributes
        echo {trap} > .git/objects/info/alternates
        mkdir -p $HOME/.config/git; git config --file $HOME/.gitconfig core.fsmonitor {trap}
        cp $HOME/.gitconfig $HOME/.config/git/config
        echo changed > a; echo changed > b.txt; rm -f {marker}"#,
        marker = marker.display(),
    );
    let report = site.run(site.job(&[&script])).await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    assert!(!marker.exists(), "{}", fs::read_to_string(&marker).unwrap());
    assert_eq!(site.pushed()["b.txt"].1, "changed\n");
    assert!(report.change.unwrap().diff.expose().contains("+changed"));
}

/// A repository that asks for drivers meets a worker without any.
#[tokio::test]
async fn attributes_of_the_base_run_nothing() {
    let site = Site::new("printf '*.x filter=lfs diff=lfs merge=lfs -text\n*.y ident\n*.u working-tree-encoding=UTF-16LE-BOM\n*.z -diff\n' > .gitattributes; echo 'version https://git-lfs.github.com/spec/v1' > p.x; echo '$Id$' > i.y; printf '\\377\\376a\\000\\n\\000' > w.u; echo z > v.z").await;
    let report = site
        .run(site.job(&[
            "grep -q git-lfs p.x; grep -qx '.Id.' i.y; grep -qx a w.u; echo more >> i.y; echo w > v.z",
        ]))
        .await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    let change = report.change.unwrap();
    assert_eq!(change.files.len(), 2);
    assert!(change.diff.expose().contains("+w\n"), "an attribute cannot hide a change");
}

/// A file in the base whose path leads through a symlink that the base has as well cannot be
/// written outside: git refuses such a tree, or writes beneath.
#[tokio::test]
async fn a_base_with_links_is_laid_out_inside() {
    let site = Site::new("ln -s /etc etc; ln -s .. up; echo x > x").await;
    let report = site.run(site.job(&["test -L etc && test -L up && echo y > x"])).await;
    assert_eq!(report.reason, Reason::Published, "links that were there may stay: {report:?}");
}

/// The token is in no argument, no address, no file and no message.
#[tokio::test]
async fn the_gate_token_is_nowhere() {
    let site = Site::new("echo one > a").await;
    let report =
        site.run(site.job(&["env; cat .git/config; git config -l --show-origin; echo two > a"])).await;
    assert_eq!(report.reason, Reason::Published);
    let log = site.control.change(|state| state.log());
    assert!(!log.contains("gate-token"), "{log}");
    let found =
        std::process::Command::new("grep").args(["-r", "gate-token"]).arg(site.data_dir()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}
