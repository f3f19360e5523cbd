//! Whatever loads is right by the JSON Schema too, and what has an unknown key is not.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::support::{LABEL, RUN, one};

fn schema() -> Value {
    serde_json::from_str(&schemas::automation::json_schema()).unwrap()
}

fn yaml(text: &str) -> Value {
    config::yaml::from_str("a.yaml", text).unwrap()
}

/// Whether a value has the form that a schema asks for.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let fits = |schema: &Value, value: &Value| fits(root, schema, value);
    if let Some(path) = schema["$ref"].as_str() {
        return fits(root.pointer(path.trim_start_matches('#')).unwrap(), value);
    }
    let any = |key: &str| schema[key].as_array().is_none_or(|all| all.iter().any(|one| fits(one, value)));
    let is_type = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some(other) => panic!("a schema of {other} is not looked at"),
    };
    let keys = value.as_object().into_iter().flatten().all(|(key, value)| {
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(property), _) => fits(property, value),
            (None, Value::Bool(allowed)) => *allowed,
            (None, Value::Null) => true,
            (None, others) => fits(others, value),
        }
    });
    let required = schema["required"].as_array().into_iter().flatten();
    let items = value.as_array().into_iter().flatten();
    let pattern = schema["pattern"].as_str().map(|pattern| Regex::new(pattern).unwrap());
    is_type
        && pattern.is_none_or(|pattern| pattern.is_match(value.as_str().unwrap()))
        && any("anyOf")
        && any("oneOf")
        && schema["allOf"].as_array().into_iter().flatten().all(|one| fits(one, value))
        && schema["enum"].as_array().is_none_or(|words| words.contains(value))
        && schema.get("const").is_none_or(|only| only == value)
        && keys
        && (!value.is_object() || required.filter_map(Value::as_str).all(|key| value.get(key).is_some()))
        && (schema["items"].is_null() || items.into_iter().all(|item| fits(&schema["items"], item)))
}

#[test]
fn the_examples_fit() {
    let (schema, mut count) = (schema(), 0);
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../automations")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(fits(&schema, &schema, &yaml(&text)), "{}", path.display());
            let line = "# yaml-language-server: $schema=../schemas/json/automations.schema.json";
            assert_eq!(text.lines().next(), Some(line), "{}", path.display());
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn mistakes_do_not_fit() {
    let schema = schema();
    let fits = |text: &str| fits(&schema, &schema, &yaml(text));
    assert!(fits(&one(LABEL, RUN)));
    for wrong in [
        one(LABEL, "    rum: { commands: [x] }\n"),
        one("{ source: github, event: issue.labelled }", RUN),
        one("{ source: githup, event: push }", RUN),
        one("{ source: github, event: push, paths: [] }", RUN).replace("paths: []", "paths: { a: b }"),
        one(LABEL, &format!("{RUN}    mode: on\n")),
        one(LABEL, "    run: { commands: make }\n"),
        one(LABEL, RUN).replace("  - name: fix\n    on", "  - on"),
        one(LABEL, &format!("{RUN}    output: {{ comment: yes }}\n")),
    ] {
        assert!(!fits(&wrong), "{wrong}");
    }
}
