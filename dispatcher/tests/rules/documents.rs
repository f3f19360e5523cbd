//! What the documentation says of the format is what the program does.

use std::path::Path;

use dispatcher::rules::{key_tables, load_folder_knowing};

use crate::support::known;

#[test]
fn the_tables_of_events_and_keys_are_in_the_documentation() {
    let page = include_str!("../../../docs/automations.md");
    for table in key_tables().split("\n\n") {
        assert!(page.contains(table.trim()), "put this into docs/automations.md:\n\n{table}");
    }
}

#[test]
fn the_examples_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../automations");
    let set = load_folder_knowing(&folder, Some(&known())).unwrap_or_else(|error| panic!("{error:?}"));
    assert!(set.rules().len() >= 12);
    assert!(set.files.contains_key("prompts/fix.md"));
}
