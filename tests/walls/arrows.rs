//! Which package may depend on which, from `cargo metadata`.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

/// A package depends on packages of lower levels only, so nothing points up or sideways.
const LEVELS: [(&str, u8); 13] = [
    ("schemas", 0),
    ("senders", 1),
    ("store", 1),
    ("broker", 1),
    ("forge", 1),
    ("config", 1),
    ("control-client", 1),
    ("artifacts", 1),
    ("telemetry", 1),
    ("ingress", 2),
    ("dispatcher", 2),
    ("worker", 2),
    ("pullwright", 3),
];

/// The stand-in for the services: it knows the vocabulary, and only tests know it.
const STAND_IN: &str = "forge-sim";

/// What a part must not be able to reach, although its level would allow it: a part that cannot
/// link the database or the forge cannot leak their credentials.
const OUT_OF_REACH: [(&str, &[&str]); 2] = [
    ("ingress", &["store", "forge", "config", "artifacts"]),
    ("worker", &["store", "forge", "config", "broker", "senders", "artifacts"]),
];

/// What the package of that name may use in tests and figures only.
const FOR_TESTS: [(&str, &str); 2] = [("pullwright", "lapin"), ("pullwright", "sqlx")];

/// Packages that only compute, and what would give them a way out.
const PURE: [&str; 2] = ["schemas", "senders"];
const OUTSIDE: [&str; 18] = [
    "axum",
    "hyper",
    "hyper-util",
    "ignore",
    "nix",
    "object_store",
    "octocrab",
    "reqwest",
    "rustls",
    "sea-orm",
    "sea-orm-migration",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tower",
    "tower-http",
];

/// Every dependency that breaks a wall, as a sentence.
fn violations(metadata: &Value) -> Vec<String> {
    let levels: BTreeMap<&str, u8> = LEVELS.into();
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default();
        let level = levels.get(from);
        if level.is_none() && from != STAND_IN {
            found.push(format!("{from} has no place in the layout: give it a level"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"] == "dev";
            let arrow = format!("{from} -> {to}");
            if PURE.contains(&from) && !for_tests && OUTSIDE.contains(&to) {
                found.push(format!("{arrow}: {from} does no I/O"));
            }
            if to == STAND_IN && !for_tests {
                found.push(format!("{arrow}: the stand-in is for tests only"));
            }
            if FOR_TESTS.contains(&(from, to)) && !for_tests {
                found.push(format!("{arrow}: for tests and figures only"));
            }
            let Some(target) = levels.get(to) else { continue };
            let points_down = match level {
                Some(level) => target < level,
                None => *target == 0,
            };
            let kept_apart = OUT_OF_REACH.iter().any(|(part, others)| *part == from && others.contains(&to));
            if !points_down {
                found.push(format!("{arrow}: it points up or sideways"));
            } else if kept_apart {
                found.push(format!("{arrow}: {from} must not reach {to}"));
            }
        }
    }
    found
}

#[test]
fn the_workspace_keeps_its_walls() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    for (name, _) in LEVELS {
        assert!(names.contains(&name), "{name} is not in the workspace; take it out of the levels");
    }
    assert_eq!(violations(&metadata), Vec::<String>::new());
}

#[test]
fn each_kind_of_broken_wall_is_found() {
    for (from, to, kind, expected) in [
        ("schemas", "store", Value::Null, "it points up or sideways"),
        ("store", "broker", Value::Null, "it points up or sideways"),
        ("store", "broker", json!("dev"), "it points up or sideways"),
        ("ingress", "dispatcher", Value::Null, "it points up or sideways"),
        ("worker", "pullwright", json!("build"), "it points up or sideways"),
        ("forge-sim", "forge", Value::Null, "it points up or sideways"),
        ("worker", "forge", Value::Null, "worker must not reach forge"),
        ("ingress", "store", Value::Null, "ingress must not reach store"),
        ("pullwright", "forge-sim", Value::Null, "the stand-in is for tests only"),
        ("pullwright", "sqlx", Value::Null, "for tests and figures only"),
        ("schemas", "tokio", Value::Null, "schemas does no I/O"),
        ("senders", "reqwest", json!("build"), "senders does no I/O"),
    ] {
        let made_up =
            json!({ "packages": [{ "name": from, "dependencies": [{ "name": to, "kind": kind }] }] });
        assert_eq!(violations(&made_up), [format!("{from} -> {to}: {expected}")]);
    }
    let stranger = json!({ "packages": [{ "name": "extras", "dependencies": [] }] });
    assert_eq!(violations(&stranger), ["extras has no place in the layout: give it a level"]);
}

#[test]
fn allowed_arrows_are_not_reported() {
    for (from, to, kind) in [
        ("dispatcher", "store", Value::Null),
        ("pullwright", "worker", Value::Null),
        ("forge", "forge-sim", json!("dev")),
        ("forge-sim", "schemas", Value::Null),
        ("senders", "tokio", json!("dev")),
        ("broker", "tokio", Value::Null),
        ("pullwright", "sqlx", json!("dev")),
    ] {
        let made_up =
            json!({ "packages": [{ "name": from, "dependencies": [{ "name": to, "kind": kind }] }] });
        assert_eq!(violations(&made_up), Vec::<String>::new(), "{from} -> {to}");
    }
}
