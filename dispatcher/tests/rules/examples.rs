//! The tests that the example automations carry pass.

use std::path::Path;

use chrono::DateTime;
use dispatcher::WebhookReading;
use dispatcher::decide::Context;
use dispatcher::rules::{load_folder, read_bytes};
use dispatcher::trial::run_test;
use schemas::event::SourceKind;

#[test]
fn the_tests_of_the_examples_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../automations");
    let set = load_folder(&folder).unwrap();
    let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let mut count = 0;
    for rule in set.rules() {
        for test in &rule.tests {
            let body = read_bytes(&folder, &test.payload).unwrap();
            assert_eq!(test.webhook, "github", "{}", rule.file);
            let connection = "github".into();
            let reading = WebhookReading { kind: SourceKind::Github, connection, mapping: None };
            let tried = run_test(rule, test, &body, &reading, &Context::default(), now).unwrap();
            assert_eq!(tried.failure, None, "{}: {}", rule.file, rule.automation.name);
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}
