//! Git as people use it, on the stand-in's repositories.

use std::path::Path;

/// Runs git in a folder; what it printed.
pub async fn git(folder: &Path, args: &[&str]) -> String {
    let output = tokio::process::Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "A person")
        .env("GIT_AUTHOR_EMAIL", "person@localhost")
        .env("GIT_COMMITTER_NAME", "A person")
        .env("GIT_COMMITTER_EMAIL", "person@localhost")
        .env_remove("GIT_DIR")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
