//! Names of branches as git judges them.

/// What git would have against a branch of this name (git-check-ref-format(1)); `None` when nothing.
#[must_use]
pub fn reference_problem(branch: &str) -> Option<&'static str> {
    let bad_char = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    if branch.is_empty() || branch.len() > 200 {
        Some("has no allowed length")
    } else if branch.chars().any(bad_char) {
        Some("holds a character that git refuses in names")
    } else if branch.contains("..") || branch.contains("@{") || branch.contains("//") {
        Some("holds `..`, `@{` or `//`")
    } else if branch.starts_with(['/', '-', '.']) || branch.ends_with(['/', '.']) {
        Some("starts or ends with a character that git refuses there")
    } else if branch.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        Some("has a part that starts with `.` or ends with `.lock`")
    } else {
        None
    }
}
