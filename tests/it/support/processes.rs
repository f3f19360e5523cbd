//! Which processes run, by a word on their command line that nothing else has.

use std::time::Duration;

/// A number of seconds to sleep that is this test's own: it is found on the command line of every
/// process of a run, and nowhere else.
pub fn marker(test: u32) -> String {
    format!("{}.{:07}{test:02}", 600, std::process::id())
}

/// The ids of running processes whose command line contains `marker`.
pub fn running_with(marker: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may be gone by now.
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(marker) {
            found.push(pid);
        }
    }
    found
}

/// Waits until no process has `marker` on its command line.
pub async fn wait_until_none_runs_with(marker: &str, limit: Duration) {
    let gone = async {
        while !running_with(marker).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(limit, gone).await;
    assert!(waited.is_ok(), "still running after {limit:?}: {:?}", running_with(marker));
}
