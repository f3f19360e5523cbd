//! Names and symlink targets that must not get into a repository.
//!
//! A name may be harmless here and still be `.git` to the file system of whoever checks it out:
//! HFS+ drops some characters, NTFS drops trailing dots and spaces, has short names and streams
//! (git's own list: `utf8.c` is_hfs_dotgit and `path.c` is_ntfs_dotgit).

/// The longest path, in bytes, that can be checked out on Linux.
const PATH_MAX: usize = 4096;

/// What is wrong with `path`, if anything.
pub(super) fn objection(path: &[u8]) -> Option<&'static str> {
    if let Some(why) = length_objection(path) {
        return Some(why);
    }
    if path.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Some("its name holds control characters");
    }
    let mut parts = path.split(|byte| *byte == b'/');
    if parts.clone().any(|part| matches!(part, b"" | b"." | b"..")) {
        return Some("its path is not relative to the repository");
    }
    if parts.any(|part| is_called(part, ".git", "git~1")) {
        return Some("a part of its path is, or looks to some systems like, `.git`");
    }
    None
}

/// What is wrong with the length of `path`, if anything.
pub(super) fn length_objection(path: &[u8]) -> Option<&'static str> {
    (path.len() >= PATH_MAX).then_some("its path is longer than 4095 bytes")
}

/// Whether `path` is the file that defines submodules, to any system.
pub(super) fn is_gitmodules(path: &[u8]) -> bool {
    let short = |name: &str| {
        ["gitmod~1", "gitmod~2", "gitmod~3", "gitmod~4"].contains(&name) || name.starts_with("gi7eba~")
    };
    is_called(path, ".gitmodules", "gitmod~1") || short(&ntfs_name(&String::from_utf8_lossy(path)))
}

/// What is wrong with a symlink at `path` that points to `target`, if anything.
///
/// `..` is allowed at the start only, and no more often than the link is deep: then the target
/// stays inside whatever other links its later parts lead through.
pub(super) fn link_objection(path: &[u8], target: &[u8]) -> Option<&'static str> {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&b'\\') {
        return Some("it points outside the repository");
    }
    if target.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Some("its target holds control characters");
    }
    let mut depth = path.iter().filter(|byte| **byte == b'/').count();
    let mut descended = false;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if descended => return Some("its target goes down and up again"),
            b".." if depth == 0 => return Some("it points outside the repository"),
            b".." => depth -= 1,
            name if is_called(name, ".git", "git~1") => return Some("it points into `.git`"),
            _ => descended = true,
        }
    }
    None
}

/// Whether some file system takes `part` for `name` (or its NTFS short name).
fn is_called(part: &[u8], name: &str, short: &str) -> bool {
    let text = String::from_utf8_lossy(part);
    let visible: String = text.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
    // A backslash separates folders on Windows.
    visible.to_lowercase() == name
        || text.split('\\').map(ntfs_name).any(|part| part == name || part == short)
}

/// What NTFS makes of a name: no stream, no trailing dots or spaces, no case.
fn ntfs_name(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default();
    name.trim_end_matches([' ', '.']).to_lowercase()
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dangerous_names() {
        let refused: &[&str] = &[
            ".git",
            ".GIT/config",
            "a/.Git/hooks/x",
            ".git ",
            ".git.",
            ".git . .",
            "git~1",
            "GIT~1/x",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".gi\u{206f}T",
            ".git::$INDEX_ALLOCATION",
            ".git:x",
            "a\\.git\\config",
            "x\n",
            "a\tb",
            "\u{7f}",
            "/etc/passwd",
            "a//b",
            "../x",
            "a/./b",
            "",
        ];
        for name in refused {
            assert!(objection(name.as_bytes()).is_some(), "{name:?}");
        }
        let fine: &[&str] =
            &[".gitignore", ".github/x", "git", "a.git", ".git2", "git~2", "x y", "ä", "..a", "C:x"];
        for name in fine {
            assert_eq!(objection(name.as_bytes()), None, "{name:?}");
        }
        assert!(objection(&[b'a'; 4096]).is_some());
        assert_eq!(objection(b"\xff\xfe"), None, "no UTF-8, no harm");
    }

    #[test]
    fn the_submodule_file() {
        for name in
            [".gitmodules", ".GITMODULES", "gitmod~1", "GI7EBA~2", ".gitmodules .", ".git\u{200c}modules"]
        {
            assert!(is_gitmodules(name.as_bytes()), "{name:?}");
        }
        for name in ["sub/.gitmodules.txt", ".gitmodule", "gitmodules"] {
            assert!(!is_gitmodules(name.as_bytes()), "{name:?}");
        }
    }

    #[test]
    fn links() {
        let leave = [
            ("l", "/etc"),
            ("l", ".."),
            ("a/l", "../.."),
            ("l", "a/../.."),
            ("a/b", "x/../.."),
            ("l", ""),
            ("l", ".git/config"),
            ("a/l", "../.GIT"),
            ("l", "\\x"),
        ];
        for (path, target) in leave {
            assert!(link_objection(path.as_bytes(), target.as_bytes()).is_some(), "{path} -> {target}");
        }
        for (path, target) in
            [("l", "a"), ("a/l", "../b"), ("a/b/l", "../../c/d"), ("l", "./x/y"), ("a/l", "..")]
        {
            assert_eq!(link_objection(path.as_bytes(), target.as_bytes()), None, "{path} -> {target}");
        }
    }

    proptest! {
        /// Follows an accepted target part by part: it never rises above the root.
        #[test]
        fn accepted_links_stay_inside(depth in 0usize..4, parts in prop::collection::vec("(\\.\\.|\\.|[ab]|)", 0..6)) {
            let path = format!("{}l", "d/".repeat(depth));
            let target = parts.join("/");
            if link_objection(path.as_bytes(), target.as_bytes()).is_none() {
                let mut level = i64::try_from(depth).unwrap();
                for part in &parts {
                    level += match part.as_str() { ".." => -1, "." | "" => 0, _ => 1 };
                    prop_assert!(level >= 0);
                }
            }
        }
    }
}
