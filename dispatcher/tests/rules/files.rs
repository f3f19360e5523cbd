//! Sets from a folder: sub-folders, prompts, links, sizes; and the same set from its kept texts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use dispatcher::rules::{LoadError, load_folder, load_texts};

use crate::support::{LABEL, assert_shown, one, pictures};

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn with_prompt(path: &str) -> String {
    one(LABEL, &format!("    mode: observe\n    run: {{ agent: codex, prompt_file: {path} }}\n"))
}

#[test]
fn a_set_holds_all_that_is_used_and_loads_again_from_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.yaml", &with_prompt("prompts/fix.md"));
    write(folder.path(), "team/b.yml", &with_prompt("prompts/fix.md").replace("name: fix", "name: other"));
    write(folder.path(), "prompts/fix.md", "Fix it.");
    write(folder.path(), "prompts/unused.md", "Nobody reads this.");
    write(folder.path(), ".hidden/c.yaml", "nonsense");
    write(folder.path(), "payloads/a.json", "{}");
    let set = load_folder(folder.path()).unwrap();
    let names: Vec<&str> = set.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.yaml", "prompts/fix.md", "team/b.yml"]);
    assert_eq!(load_texts(set.files.clone()).unwrap().hash, set.hash);

    write(folder.path(), "prompts/fix.md", "Fix it well.");
    assert_ne!(load_folder(folder.path()).unwrap().hash, set.hash, "a prompt decides as well");
}

#[test]
fn a_set_without_its_prompt_does_not_load() {
    let texts = [("a.yaml".to_owned(), with_prompt("prompts/fix.md"))];
    assert!(load_texts(texts.into()).is_err());
}

#[test]
fn links_are_followed_inside_and_refused_outside() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // As Kubernetes mounts a ConfigMap.
    write(folder.path(), "..2026/a.yaml", &with_prompt("fix.md"));
    write(folder.path(), "..2026/fix.md", "Fix it.");
    symlink("..2026", folder.path().join("..data")).unwrap();
    symlink("..data/a.yaml", folder.path().join("a.yaml")).unwrap();
    symlink("..data/fix.md", folder.path().join("fix.md")).unwrap();
    assert_eq!(load_folder(folder.path()).unwrap().rules().len(), 1);

    write(outside.path(), "secret", "hunter2");
    fs::remove_file(folder.path().join("fix.md")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("fix.md")).unwrap();
    let said = pictures(&load_folder(folder.path()).unwrap_err());
    assert!(said.contains("`fix.md` is not in the folder of the automations"), "{said}");
}

#[test]
fn mistakes_about_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "large.md", &"x".repeat((1 << 20) + 1));
    fs::write(folder.path().join("latin.md"), b"caf\xe9").unwrap();
    let mut all = String::new();
    for path in ["gone.md", "../up.md", "/etc/passwd", "a/../../b", "large.md", "latin.md", "''"] {
        write(folder.path(), "a.yaml", &with_prompt(path));
        all += &pictures(&load_folder(folder.path()).unwrap_err());
    }
    let payload = "    run: { commands: [x] }\n    tests:\n      - payload: gone.json\n        \
                   webhook: github\n        expect: { decision: matched }\n";
    write(folder.path(), "a.yaml", &one(LABEL, payload));
    all += &pictures(&load_folder(folder.path()).unwrap_err());
    assert_shown("mistakes_about_files", &all);
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [vec![b'#'; (1 << 20) + 1], b"caf\xe9".to_vec()] {
        fs::write(folder.path().join("a.yaml"), bytes).unwrap();
        let error = load_folder(folder.path()).unwrap_err();
        let LoadError::Unreadable { path, source } = &error else { panic!("{error:?}") };
        assert!(path.ends_with("a.yaml") && source.to_string().starts_with("`a.yaml` is"), "{source}");
    }
}

#[test]
fn the_mistakes_of_all_files_are_told_together() {
    let texts = [
        ("a.yaml".to_owned(), "version: 1\nautomations: [".to_owned()),
        ("b.yaml".to_owned(), one(LABEL, "    run: { commands: [] }\n")),
    ];
    let LoadError::Mistakes { count, mistakes } = load_texts(texts.into()).unwrap_err() else { panic!() };
    let files: Vec<&str> = mistakes.iter().map(config::yaml::YamlError::file).collect();
    assert_eq!((count, files), (2, vec!["a.yaml", "b.yaml"]));
}
