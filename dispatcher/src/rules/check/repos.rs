//! `repos:` and `run.repo`: whether any repository is left.

use schemas::Automation;

use crate::rules::Known;
use crate::rules::globs::{Globs, repo_glob};
use crate::rules::page::{Page, Spot};

pub(super) fn check(automation: &Automation, at: Spot<'_>, known: Option<&Known>, page: &mut Page<'_>) {
    let before = page.count();
    for (number, pattern) in automation.repos.iter().enumerate() {
        one(pattern, at.at("repos").item(number), known, page);
    }
    if page.count() > before {
        return;
    }
    if excludes_all(&automation.repos) {
        let remedy = "name a repository that is left, for example `github/acme/*`";
        page.say(at.at("repos"), "every repository is excluded", remedy);
    }
    let Some(repo) = &automation.run.repo else { return };
    let place = at.at("run").at("repo");
    if let Some(known) = known
        && !known.connections.contains_key(&repo.connection)
    {
        let name = &repo.connection;
        page.say(place, format!("there is no connection `{name}`"), known.other_connection(name.as_str()));
    } else if let Ok(globs) = Globs::new(&automation.repos)
        && !globs.cover(repo)
    {
        page.say(place, format!("`repos` does not let it work on {repo}"), "add it to `repos`");
    }
}

fn one(pattern: &str, at: Spot<'_>, known: Option<&Known>, page: &mut Page<'_>) {
    let bare = pattern.strip_prefix('!').unwrap_or(pattern);
    if let Err(error) = repo_glob(bare) {
        return page.say(
            at,
            format!("`{pattern}` is no glob: {}", error.kind()),
            "for example `github/acme/*`",
        );
    }
    let Some((connection, _)) = bare.split_once('/') else {
        if bare != "**" {
            let remedy = "a repository is named by its connection first: `github/acme/api`";
            page.say(at, format!("`{pattern}` matches no repository"), remedy);
        }
        return;
    };
    let Some(known) = known else { return };
    let matcher = repo_glob(connection).map(|glob| glob.compile_matcher());
    let known_one = |matcher: globset::GlobMatcher| {
        connection == "**" || known.connections.keys().any(|name| matcher.is_match(name.as_str()))
    };
    if !matcher.is_ok_and(known_one) {
        page.say(at, format!("there is no connection `{connection}`"), known.other_connection(connection));
    }
}

/// Whether the exclusions leave nothing: each of the inclusions stands among them, or all of all does.
fn excludes_all(patterns: &[String]) -> bool {
    let excluded = |pattern: &str| patterns.iter().any(|other| other.strip_prefix('!') == Some(pattern));
    let mut included = patterns.iter().filter(|pattern| !pattern.starts_with('!')).peekable();
    let some = included.peek().is_some();
    ["**", "*/**"].into_iter().any(excluded) || (some && included.all(|pattern| excluded(pattern)))
}
