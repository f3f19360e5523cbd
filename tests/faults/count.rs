//! What became of every issue: lost, done twice, or as it should be.

use std::time::Duration;

use schemas::{Clock, SystemClock};
use serde_json::Value;

use crate::load::Taken;
use crate::site::Site;
use crate::support::REPO;

/// Epochs that a run may have: the first, and one after a worker was lost.
const LIVES: u64 = 2;
/// What comes to its end by itself has done so by then.
const LIMIT: Duration = Duration::from_secs(150);

/// The count of one round.
#[derive(Debug, Default)]
pub struct Count {
    pub accepted: usize,
    pub lost: usize,
    pub twice: usize,
    /// Whether somebody would have had to help.
    pub hands: bool,
    /// From the end of the fault until all was over.
    pub drain: Duration,
    pub remarks: Vec<String>,
}

impl Count {
    /// Waits until everything about the issues is over, and counts. `deleted`: a person removed our comments.
    pub async fn of(site: &Site, taken: Taken, deleted: bool) -> Self {
        let mut count = Self { accepted: taken.accepted, remarks: taken.strange, ..Self::default() };
        let clock = SystemClock::new();
        let mut open = taken.issues.clone();
        let over = async {
            while !open.is_empty() {
                leave_what_is_over(site, &mut open).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        count.hands = tokio::time::timeout(LIMIT, over).await.is_err();
        count.drain = clock.monotonic();
        let runs = runs(site).await;
        for issue in taken.issues {
            count.look_at(site, &runs, issue, deleted).await;
        }
        count.remarks.extend(count.hands.then(|| "it did not come to its end by itself".to_owned()));
        count
    }

    async fn look_at(&mut self, site: &Site, runs: &[Value], issue: u64, deleted: bool) {
        let of_issue: Vec<&Value> = about(runs, issue).collect();
        let (pulls, comments) = (site.world.pulls_for(issue).len(), site.world.our_comments(issue).len());
        let outcome = |word: &str| of_issue.iter().any(|run| run["outcome"] == word);
        // Somebody may have cancelled it, and it may have been too late for that.
        let cancelled = outcome("cancelled");
        let ended = if cancelled { pulls == 0 } else { outcome("succeeded") && pulls > 0 };
        let mut lives = 0;
        for run in &of_issue {
            let (_, detail) =
                site.world.api(&format!("runs/{}", run["id"].as_str().unwrap_or_default())).await;
            lives = lives.max(detail["epoch"].as_u64().unwrap_or(0));
        }
        // What a person deleted is not written again.
        let silent = comments == 0 && !deleted;
        let lost = !ended || silent;
        let twice = of_issue.len() > 1 || pulls > 1 || comments > 1 || lives > LIVES;
        self.lost += usize::from(lost);
        self.twice += usize::from(twice);
        if lost || twice {
            let words: Vec<String> =
                of_issue.iter().map(|run| format!("{}: {}", run["state"], run["sentence"])).collect();
            self.remarks.push(format!(
                "issue {issue}: {pulls} pull requests, {comments} comments, {lives} epochs, runs {words:?}"
            ));
        }
    }
}

/// The runs about an issue.
fn about(runs: &[Value], issue: u64) -> impl Iterator<Item = &Value> {
    let item = format!("github:{REPO}#{issue}");
    runs.iter().filter(move |run| run["work_item"] == *item)
}

async fn runs(site: &Site) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    let mut before = String::new();
    loop {
        let (status, page) = site.world.api(&format!("runs?limit=200{before}")).await;
        if status != 200 {
            return rows;
        }
        rows.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return rows,
        }
    }
}

/// Leaves the issues out that have a run, and about which nothing more will be written.
async fn leave_what_is_over(site: &Site, issues: &mut Vec<u64>) {
    let runs = runs(site).await;
    let mut open = Vec::new();
    for issue in issues.drain(..) {
        let mut all = about(&runs, issue).peekable();
        let mut over = all.peek().is_some();
        for run in all {
            over = over && run["state"] == "done" && nothing_is_left(site, run).await;
        }
        if !over {
            open.push(issue);
        }
    }
    *issues = open;
}

async fn nothing_is_left(site: &Site, run: &Value) -> bool {
    let (status, run) = site.world.api(&format!("runs/{}", run["id"].as_str().unwrap_or_default())).await;
    let under_way = |intent: &Value| intent["state"] == "open" || intent["state"] == "calling";
    status == 200 && run["intents"].as_array().is_some_and(|all| !all.iter().any(under_way))
}
