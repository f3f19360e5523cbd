//! Where automations lie.

use insta::assert_snapshot;

use super::{RIGHT, mistake, mistake_in_variable, read};

fn wrong(automations: &str) -> String {
    mistake(&format!("{RIGHT}automations: {automations}\n"))
}

#[test]
fn mistakes() {
    assert_snapshot!("automations_connection", wrong("{ repository: githbu/acme/ops }"));
    assert_snapshot!("automations_name", wrong("{ repository: acme }"));
    assert_snapshot!("automations_missing", wrong("{ path: automations }"));
    assert_snapshot!("automations_path", wrong("{ repository: github/acme/ops, path: ../ops }"));
    assert_snapshot!("automations_key", wrong("{ repository: github/acme/ops, brunch: main }"));
    assert_snapshot!("automations_list", wrong("[a, b]"));
    assert_snapshot!(
        "automations_variable",
        mistake_in_variable("PULLWRIGHT__AUTOMATIONS__REPOSITORY", "gitlab/acme/ops")
    );
}

#[test]
fn a_variable_changes_one_key_or_the_whole() {
    use config::Automations::{Folder, Repository};
    let text =
        format!("{RIGHT}automations: {{ repository: github/acme/ops, path: ./rules/, branch: main }}\n");
    let automations = |variables: &[(&str, &str)]| read(&text, variables).unwrap().settings.automations;
    let of = |branch: &str| Repository {
        repository: "github/acme/ops".parse().unwrap(),
        path: "rules".into(),
        branch: Some(branch.into()),
    };
    assert_eq!(automations(&[]), of("main"));
    assert_eq!(automations(&[("PULLWRIGHT__AUTOMATIONS__BRANCH", "next")]), of("next"));
    assert_eq!(automations(&[("PULLWRIGHT__AUTOMATIONS", "/srv/rules")]), Folder("/srv/rules".into()));
}
