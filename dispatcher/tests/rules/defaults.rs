//! A file's `defaults`: maps merge, lists replace.

use crate::support::{assert_shown, load};

#[test]
fn every_map_merges_and_lists_replace() {
    let text = "
version: 1
defaults:
  mode: observe
  repos: [github/acme/*]
  allow: { permission: admin, users: [ana], bots: [renovate] }
  dedupe: { skip_if_open_pr: true }
  debounce: { window: 1m, max_wait: 5m }
  concurrency: { group: repo, limit: 2 }
  budget: { run_usd: 1, day_usd: 10 }
  run: { commands: [make], timeout: 5m, env: { A: '1', B: '1' }, approval: { users: [bo] } }
  output: { comment: none, pull_request: { draft: false, labels: [bot] } }
automations:
  - name: bare
    on: [{ source: github, event: push }]
  - name: own
    mode: live
    repos: [github/other/*]
    allow: { users: [bo] }
    debounce: { window: 2m }
    concurrency: { limit: 3 }
    budget: { run_usd: 2 }
    on: [{ source: github, event: push }]
    run: { commands: [make all], env: { B: '2' } }
    output: { pull_request: { title: Own } }
";
    let set = load(text).unwrap();
    let seen: Vec<_> = set.rules().iter().map(|rule| &rule.automation).collect();
    assert_shown("defaults", &serde_json::to_string_pretty(&seen).unwrap());
}
