//! Rules of the house that no compiler knows: short files, named after what they hold, that say so.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of one file, its inline tests not counted.
const LONGEST: usize = 400;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"];

/// Every file below `root` that breaks a rule, as a sentence.
fn violations(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources(root) {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let lines = production(&text);
        let test = is_test(&path, root);
        if !test && lines > LONGEST {
            found.push(format!("{shown}: {lines} lines, more than {LONGEST}"));
        }
        if !test && !text.starts_with("//!") {
            found.push(format!("{shown}: it does not begin with what it is (`//!`)"));
        }
        for name in named(&path, root, &text) {
            if EMPTY_NAMES.contains(&name.as_str()) {
                found.push(format!("{shown}: `{name}` says nothing about what is inside"));
            }
        }
    }
    found.sort();
    found
}

/// All `.rs` files, build output and hidden folders left out.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                let built = name == "target" || name == "data";
                if !built && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The lines before an inline module of tests.
fn production(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let inline = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    inline.unwrap_or(lines.len())
}

fn is_test(path: &Path, root: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.ends_with("tests.rs") || below.components().any(|part| part.as_os_str() == "tests")
}

/// The module's name, its folder's below the package, and those of inline modules.
fn named(path: &Path, root: &Path, text: &str) -> Vec<String> {
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let mut names: Vec<String> =
        below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let inline = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix('{').map(|name| name.trim().to_owned())
    });
    names.extend(inline);
    names
}

#[test]
fn the_house_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(sources(root).len() > 100, "the sources were not found below {}", root.display());
    assert_eq!(violations(root), Vec::<String>::new());
}

#[test]
fn each_kind_of_broken_rule_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let long = format!("//! Long.\n{}", "// x\n".repeat(LONGEST));
    let inline = "//! Short.\n#[cfg(test)]\nmod tests {\n".to_owned() + &"// x\n".repeat(LONGEST) + "}\n";
    for (path, text) in [
        ("src/long.rs", long.as_str()),
        ("src/tested.rs", &inline),
        ("src/long/tests.rs", &long),
        ("tests/it/long.rs", &long),
        ("target/debug/build/generated.rs", "fn undocumented() {}\n"),
        ("src/silent.rs", "fn undocumented() {}\n"),
        ("src/utils.rs", "//! Everything.\n"),
        ("src/common/mod.rs", "//! Everything.\n"),
        ("src/inline.rs", "//! One.\n\npub(crate) mod helpers {\n}\n"),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert_eq!(
        violations(root),
        [
            "src/common/mod.rs: `common` says nothing about what is inside",
            "src/inline.rs: `helpers` says nothing about what is inside",
            "src/long.rs: 401 lines, more than 400",
            "src/silent.rs: it does not begin with what it is (`//!`)",
            "src/utils.rs: `utils` says nothing about what is inside",
        ]
    );
}
