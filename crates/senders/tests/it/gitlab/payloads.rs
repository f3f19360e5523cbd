//! Real bodies: all are taken, believed when signed, and read; those with a meaning are read right.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use schemas::Event;
use schemas::event::{EventType, Identity};
use senders::{GitLab, Sender, parse};

use crate::requests::{delivery, headers, standard_signature, summary};

const SIGNING: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Signs, verifies and reads one file.
fn read(path: &Path) -> Event {
    let raw = std::fs::read(path).unwrap();
    let sender = Sender::GitLab(GitLab::new(vec![SIGNING.to_owned()], vec![]).unwrap());
    let signature = standard_signature(SIGNING, "d1", "1700000000", &raw);
    let pairs =
        [("webhook-id", "d1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &signature)];
    let now: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    sender.verify(&headers(&pairs), &raw, now).unwrap();
    parse(sender.kind(), &"gitlab".into(), &delivery(&pairs), &raw)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_json).collect()
}

#[test]
fn all_bodies_are_read() {
    let Some(folder) = crate::recorded::folder() else { return };
    let all = [files(&folder.join("gitlab")), files(&folder.join("gitlab/system_hooks"))].concat();
    for path in &all {
        let event = read(path);
        assert_eq!((event.sender_id.as_deref(), event.identity), (Some("d1"), Identity::SenderId));
        let has_repository = event.repository.is_some() || matches!(event.r#type, EventType::Unmapped(_));
        assert!(has_repository, "{}", path.display());
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event, "{}", path.display());
    }
    assert!(all.len() >= 60, "{}", all.len());
}

#[test]
fn mapped_bodies_are_read_right() {
    let Some(folder) = crate::recorded::folder() else { return };
    let table = [
        ("access_token", "unmapped.gitlab.access_token"),
        (
            "access_token.go-gitlab-resource_access_token_project",
            "unmapped.gitlab.access_token repo=flightjs/Flight",
        ),
        (
            "build.created",
            "unmapped.gitlab.build.created repo=gitlab-org/gitlab-test by=user1:Human head=gitlab-script-trigger at=2293ada",
        ),
        (
            "build.created.go-playground-build-event",
            "unmapped.gitlab.build.created repo=gitlab-org/gitlab-test head=gitlab-script-trigger at=2293ada",
        ),
        (
            "build.created.go-playground-job-event",
            "unmapped.gitlab.build.created repo=gitlab-org/gitlab-test head=gitlab-script-trigger at=2293ada",
        ),
        (
            "build.success",
            "unmapped.gitlab.build.success repo=jsmithy2/release-tools-fake by=jsmithy2:Human head=main at=95d49d1 ended=success",
        ),
        (
            "deployment",
            "unmapped.gitlab.deployment.success repo=root/test-deployment-webhooks by=user1:Human",
        ),
        (
            "deployment.go-playground-deployment-event",
            "unmapped.gitlab.deployment.success repo=root/test-deployment-webhooks by=root:Human",
        ),
        ("feature_flag", "unmapped.gitlab.feature_flag repo=gitlabhq/gitlab-test by=root:Human"),
        (
            "issue.close",
            "issue.closed repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world#1 by=sytses:Human labels=critical keyed",
        ),
        (
            "issue.open",
            "issue.opened repo=gitlabhq/gitlab-test about=gitlab:gitlabhq/gitlab-test#23 by=root:Human labels=API added=Platform label=Platform keyed",
        ),
        (
            "issue.open.go-playground-confidential-issue-event",
            "issue.opened repo=gitlabhq/gitlab-test about=gitlab:gitlabhq/gitlab-test#23 by=root:Human keyed",
        ),
        (
            "issue.open.go-playground-issue-event",
            "issue.opened repo=gitlabhq/gitlab-test about=gitlab:gitlabhq/gitlab-test#23 by=root:Human keyed",
        ),
        (
            "issue.reopen",
            "issue.reopened repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world#1 by=sytses:Human labels=critical keyed",
        ),
        (
            "issue.update",
            "issue.edited repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world#1 by=sytses:Human keyed",
        ),
        (
            "merge_request.close",
            "pull_request.closed repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world!1 by=sytses:Human head=feature at=c4c7922 base=master keyed",
        ),
        (
            "merge_request.merge",
            "pull_request.merged repo=exm-namespace/example-project by=user1:Human at=61b6a0d",
        ),
        (
            "merge_request.open",
            "pull_request.opened repo=gitlabhq/gitlab-test about=gitlab:gitlabhq/gitlab-test!1 by=user1:Human labels=API added=Platform label=Platform head=ms-viewport at=da15608 base=master keyed",
        ),
        (
            "merge_request.open.go-playground-merge-request-event",
            "pull_request.opened repo=gitlabhq/gitlab-test about=gitlab:gitlabhq/gitlab-test!1 by=root:Human labels=API added=Platform label=Platform head=ms-viewport at=da15608 base=master keyed",
        ),
        (
            "merge_request.reopen",
            "unmapped.gitlab.merge_request.reopen repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world!1 by=sytses:Human head=feature at=c4c7922 base=master",
        ),
        (
            "merge_request.update",
            "pull_request.updated repo=test/woodpecker about=gitlab:test/woodpecker!2 by=test:Human head=next-feature at=0ab96a1 base=master keyed",
        ),
        (
            "note_commit",
            "comment.created repo=gitlabhq/gitlab-test by=root:Human comment=1243 at=cfe32cf keyed",
        ),
        (
            "note_commit.create",
            "comment.created repo=gitlabhq/gitlab-test by=user1:Human comment=1243 at=cfe32cf keyed",
        ),
        (
            "note_issue",
            "comment.created repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world#1 by=sytses:Human comment=50771783 keyed",
        ),
        (
            "note_issue.create",
            "comment.created repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test#17 by=user1:Human labels=Afterpod,Element comment=1241 keyed",
        ),
        (
            "note_issue.go-playground-comment-issue-event",
            "comment.created repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test#17 by=root:Human labels=Afterpod,Element comment=1241 keyed",
        ),
        (
            "note_issue.go-playground-confidential-comment-event",
            "comment.created repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test#17 by=root:Human labels=Afterpod,Element comment=1241 confidential keyed",
        ),
        (
            "note_merge_request",
            "comment.created repo=gitlab-org/hello-world about=gitlab:gitlab-org/hello-world!1 by=sytses:Human comment=50772616 head=feature at=c4c7922 base=master keyed",
        ),
        (
            "note_merge_request.create",
            "comment.created repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test!1 by=root:Human labels=Afterpod,Element comment=1244 head=master at=562e173 base=markdown keyed",
        ),
        (
            "note_merge_request.go-playground-comment-merge-request-event",
            "comment.created repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test!1 by=root:Human comment=1244 head=master at=562e173 base=markdown keyed",
        ),
        ("note_snippet", "comment.created repo=gitlab-org/gitlab-test by=root:Human comment=1245 keyed"),
        (
            "note_snippet.create",
            "comment.created repo=gitlab-org/gitlab-test by=user1:Human comment=1245 keyed",
        ),
        (
            "pipeline.success",
            "pipeline.completed repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test!1 by=user1:Human head=test at=bcbb5ec base=master ended=success keyed",
        ),
        (
            "pipeline.success.go-playground-pipeline-event",
            "pipeline.completed repo=gitlab-org/gitlab-test about=gitlab:gitlab-org/gitlab-test!1 by=root:Human head=test at=bcbb5ec base=master ended=success keyed",
        ),
        ("push", "push repo=mike/diaspora by=jsmith:Human at=da15608 base=refs/heads/master from=95790bf"),
        (
            "push.go-playground-push-event",
            "push repo=mike/diaspora at=da15608 base=refs/heads/master from=95790bf",
        ),
        (
            "release.create",
            "release.published repo=exm-namespace/example-project at=2626dbd base=refs/tags/1.0.0 keyed",
        ),
        (
            "release.create.go-playground-release-event",
            "release.published repo=gitlab-org/release-webhook-example at=ee0a3fb base=refs/tags/v1.1 keyed",
        ),
        ("subgroup_create", "unmapped.gitlab.subgroup_create"),
        ("system_hooks/group_create", "unmapped.gitlab.group_create"),
        ("system_hooks/group_destroy", "unmapped.gitlab.group_destroy"),
        ("system_hooks/group_rename", "unmapped.gitlab.group_rename"),
        ("system_hooks/key_create", "unmapped.gitlab.key_create"),
        ("system_hooks/key_destroy", "unmapped.gitlab.key_destroy"),
        (
            "system_hooks/merge_request",
            "unmapped.gitlab.merge_request repo=jsmith/example about=gitlab:jsmith/example!1 by=root:Human head=ms-viewport at=ba3e0d8 base=master",
        ),
        ("system_hooks/project_create", "unmapped.gitlab.project_create"),
        ("system_hooks/project_destroy", "unmapped.gitlab.project_destroy"),
        ("system_hooks/project_rename", "unmapped.gitlab.project_rename"),
        ("system_hooks/project_transfer", "unmapped.gitlab.project_transfer"),
        ("system_hooks/project_update", "unmapped.gitlab.project_update"),
        (
            "system_hooks/push.go-playground-system-push-event",
            "push repo=mike/diaspora at=da15608 base=refs/heads/master from=95790bf",
        ),
        (
            "system_hooks/tag_push.go-playground-system-tag-event",
            "push repo=jsmith/example at=82b3d5a base=refs/tags/v1.0.0 from=0000000",
        ),
        (
            "system_hooks/user_add_to_group.go-playground-system-group-member-added",
            "unmapped.gitlab.user_add_to_group",
        ),
        ("system_hooks/user_add_to_team", "unmapped.gitlab.user_add_to_team"),
        ("system_hooks/user_create", "unmapped.gitlab.user_create"),
        ("system_hooks/user_destroy", "unmapped.gitlab.user_destroy"),
        ("system_hooks/user_failed_login", "unmapped.gitlab.user_failed_login"),
        ("system_hooks/user_remove_from_group", "unmapped.gitlab.user_remove_from_group"),
        ("system_hooks/user_remove_from_team", "unmapped.gitlab.user_remove_from_team"),
        ("system_hooks/user_rename", "unmapped.gitlab.user_rename"),
        ("system_hooks/user_update_for_group", "unmapped.gitlab.user_update_for_group"),
        ("system_hooks/user_update_for_team", "unmapped.gitlab.user_update_for_team"),
        (
            "tag_push",
            "push repo=jsmith/example by=jsmith:Human at=82b3d5a base=refs/tags/v1.0.0 from=0000000",
        ),
        (
            "tag_push.go-playground-tag-event",
            "push repo=jsmith/example at=82b3d5a base=refs/tags/v1.0.0 from=0000000",
        ),
        ("user_add_to_group", "unmapped.gitlab.user_add_to_group"),
        ("wiki_page.create", "unmapped.gitlab.wiki_page.create repo=root/awesome-project by=user1:Human"),
        (
            "wiki_page.create.go-playground-wikipage-event",
            "unmapped.gitlab.wiki_page.create repo=root/awesome-project by=root:Human",
        ),
    ];
    for (file, expected) in table {
        assert_eq!(summary(&read(&folder.join(format!("gitlab/{file}.json")))), expected, "{file}");
    }
}

#[test]
fn items_and_comments_in_full() {
    let Some(folder) = crate::recorded::folder() else { return };
    let event = |file: &str| read(&folder.join(format!("gitlab/{file}.json")));
    let issue = event("issue.update");
    assert_eq!(issue.time, Some("2017-12-10T16:38:25Z".parse().unwrap()));
    let item = issue.item.unwrap();
    assert_eq!((item.title.expose(), item.body.expose()), ("found a bug", "website is broken"));
    assert_eq!(item.url.as_deref(), Some("https://gitlab.com/gitlab-org/hello-world/issues/1"));
    let note = event("note_merge_request");
    assert_eq!(note.comment.unwrap().body.expose(), "lgtm");
    let item = note.item.unwrap();
    assert!(item.is_pull_request);
    assert_eq!(item.url.as_deref(), Some("https://gitlab.com/gitlab-org/hello-world/merge_requests/1"));
    assert_eq!(event("pipeline.success").time, Some("2016-08-12T15:26:29Z".parse().unwrap()));
    assert_eq!(event("push").repository.unwrap().default_branch.as_deref(), Some("master"));
}
