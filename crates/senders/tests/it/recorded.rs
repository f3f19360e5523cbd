//! Where the real webhook bodies are, which are not part of the project.

use std::path::PathBuf;

/// The folder, or `None` after saying that the test is skipped.
///
/// # Panics
/// When it is missing and `PULLWRIGHT_REQUIRE_PAYLOADS=1`.
pub fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/payloads");
    let folder = std::env::var_os("PULLWRIGHT_PAYLOADS").map_or_else(beside, PathBuf::from);
    if folder.join("vectors.json").is_file() {
        return Some(folder);
    }
    let required = std::env::var_os("PULLWRIGHT_REQUIRE_PAYLOADS").is_some_and(|value| value == "1");
    assert!(!required, "no payloads at {}, and they are required", folder.display());
    eprintln!("skipped: no payloads at {}; set PULLWRIGHT_PAYLOADS", folder.display());
    None
}
