//! Jira's groups and roles against a real HTTP server, as Cloud and as Data Center.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use forge::jira::{ConnectError, Jira, JiraAuth, JiraSettings};
use forge::{Directory, ForgeError};
use forge_sim::jira::RoleActor;
use forge_sim::{Fault, FaultOrder, Sim, SimOptions};

fn connect(url: &str, auth: JiraAuth) -> Result<Jira, ConnectError> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Jira::connect(JiraSettings { url: url.to_owned(), auth, ca_file: None })
}

fn both(sim: &Sim) -> [Jira; 2] {
    let cloud = JiraAuth::Cloud { email: "bot@acme.dev".into(), token: "t".to_owned().into() };
    let data_center = JiraAuth::DataCenter("t".to_owned().into());
    [cloud, data_center].map(|auth| connect(&sim.url, auth).unwrap())
}

async fn sim() -> Sim {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.jira().add_account("ana", &["developers", "jira users"]);
    sim.jira().add_account("bo", &[]);
    sim.jira().set_role(
        "PAY",
        "Developers",
        &[RoleActor::Account("bo".into()), RoleActor::Group("developers".into())],
    );
    sim.jira().set_role("PAY", "Administrators", &[RoleActor::Account("bo".into())]);
    sim
}

#[tokio::test]
async fn groups() {
    let sim = sim().await;
    for jira in both(&sim) {
        for (account, group, expected) in [
            ("ana", "developers", true),
            ("ana", "Developers", true),
            ("ana", "jira users", true),
            ("ana", "admins", false),
            ("bo", "developers", false),
            ("nobody", "developers", false),
        ] {
            assert_eq!(jira.in_group(group, account).await, Ok(expected), "{account} in {group}");
        }
    }
}

#[tokio::test]
async fn roles() {
    let sim = sim().await;
    for jira in both(&sim) {
        for (account, role, expected) in [
            ("bo", "Developers", true),
            ("ana", "developers", true),
            ("bo", "Administrators", true),
            ("ana", "Administrators", false),
            ("nobody", "Developers", false),
        ] {
            assert_eq!(jira.in_role("PAY", role, account).await, Ok(expected), "{account} as {role}");
        }
        for (project, role) in [("PAY", "Users"), ("OPS", "Developers"), ("..", "Developers")] {
            let what = format!("the role `{role}` in the project `{project}`");
            let missing = jira.in_role(project, role, "ana").await;
            assert_eq!(missing, Err(ForgeError::NotFound { what }));
        }
    }
}

#[tokio::test]
async fn a_jira_that_is_down_is_no_answer() {
    let sim = sim().await;
    let [jira, _] = both(&sim);
    sim.fault(FaultOrder::once("GET", "/rest/api/2/user", Fault::Status { status: 500 })).unwrap();
    let failed = jira.in_group("developers", "ana").await.unwrap_err();
    assert!(failed.is_transient(), "{failed:?}");
    assert_eq!(jira.in_group("developers", "ana").await, Ok(true));
}

#[test]
fn addresses() {
    for url in
        ["acme.atlassian.net", "ftp://acme.dev", "https://user:secret@acme.dev", "https://acme.dev/?a=1", ""]
    {
        let auth = JiraAuth::DataCenter("t".to_owned().into());
        assert!(matches!(connect(url, auth), Err(ConnectError::Url { .. })), "{url}");
    }
}
