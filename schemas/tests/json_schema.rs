//! The JSON Schema that editors are given is the one that the program has.

use serde_json::Value;

#[test]
fn the_file_is_in_step() {
    let file = include_str!("../json/automations.schema.json");
    assert!(
        file == schemas::automation::json_schema(),
        "the format changed; write its schema anew: \
         cargo run -- check --schema >schemas/json/automations.schema.json"
    );
}

#[test]
fn every_key_is_described() {
    let schema: Value = serde_json::from_str(&schemas::automation::json_schema()).unwrap();
    let mut keys = 0;
    let mut look = |of: &str, object: &Value| {
        assert_eq!(object["additionalProperties"], false, "{of}");
        for (key, property) in object["properties"].as_object().unwrap() {
            let said = property["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty() && !said.contains("[`"), "{of}.{key}: {said:?}");
            keys += 1;
        }
    };
    look("the file", &schema);
    for (name, object) in schema["definitions"].as_object().unwrap() {
        if object["properties"].is_object() {
            look(name, object);
        }
    }
    assert!(keys > 90, "{keys}");
}

#[test]
fn enumerations_list_their_values() {
    let schema: Value = serde_json::from_str(&schemas::automation::json_schema()).unwrap();
    let definitions = &schema["definitions"];
    let values = |name: &str| {
        let choices = definitions[name]["oneOf"].as_array().unwrap();
        choices.iter().map(|choice| choice["const"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values("Mode"), ["disabled", "observe", "dry_run", "live"]);
    assert_eq!(values("OnFull"), ["queue", "skip", "cancel_in_progress"]);
    let label = &definitions["Trigger"]["properties"]["label"];
    assert_eq!(label["anyOf"][1]["items"], label["anyOf"][0]);
}
