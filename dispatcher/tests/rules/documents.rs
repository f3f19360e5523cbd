//! What the documentation says of the format is what the program does.

#[test]
fn the_tables_of_events_and_keys_are_in_the_documentation() {
    let page = include_str!("../../../docs/automations.md");
    let tables = dispatcher::rules::key_tables();
    for table in tables.split("\n\n") {
        assert!(page.contains(table.trim()), "put this into docs/automations.md:\n\n{table}");
    }
}
