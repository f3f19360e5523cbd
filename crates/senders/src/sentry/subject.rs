//! What a delivery is about: which issue of which project, whatever the resource.
//!
//! Alerts and errors carry an event and name project and issue only in addresses; the form of the
//! addresses has changed over the years, their tails have not.

use crate::node::Node;

/// What a resource's `data` is about.
pub(super) struct Subject<'a> {
    /// The key of `data` that holds it.
    pub key: &'static str,
    /// What is under that key; `data` itself for a comment.
    pub node: Node<'a>,
    /// All of `data`: a metric alert's words stand beside it.
    pub data: Node<'a>,
    /// The project's slug.
    pub project: Option<String>,
    /// The id of the issue, or of the metric alert.
    pub id: Option<String>,
}

/// The keys of which `data` holds the one that belongs to its resource, and no other.
const KEYS: &[(&str, &str)] = &[
    ("event_alert", "event"),
    ("error", "error"),
    ("issue", "issue"),
    ("metric_alert", "metric_alert"),
    ("comment", "comment_id"),
];

/// Why a header's resource is not believed.
pub(super) type Because = &'static str;

/// The subject of `resource`; `None` for a resource that this version has no words for.
pub(super) fn of<'a>(resource: &str, data: Node<'a>) -> Result<Option<Subject<'a>>, Because> {
    let Some((_, key)) = KEYS.iter().find(|(name, _)| *name == resource) else { return Ok(None) };
    if !data.at(key).is_there() {
        return Err("lacks what such an event is about");
    }
    if KEYS.iter().any(|(_, other)| other != key && data.at(other).is_there()) {
        return Err("is about something else");
    }
    let node = if *key == "comment_id" { data } else { data.at(key) };
    if !node.is_object() {
        return Err("lacks what such an event is about");
    }
    let (project, id) = match *key {
        "issue" => (slug(node.at("project.slug")), node.at("id").id()),
        "metric_alert" => (only_project(node), node.at("id").id()),
        "comment_id" => (slug(node.at("project_slug")), node.at("issue_id").id()),
        _ => (project_of_event(node), issue_of_event(node)),
    };
    Ok(Some(Subject { key, node, data, project, id: id.filter(|id| is_id(id)) }))
}

fn slug(at: Node<'_>) -> Option<String> {
    at.word().map(str::to_owned)
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn only_project(alert: Node<'_>) -> Option<String> {
    let mut projects = alert.at("projects").items();
    let project = projects.next()?;
    if projects.next().is_none() { slug(project) } else { None }
}

/// `…/api/0/projects/{organisation}/{project}/events/{event}/`; `project` itself is a number.
fn project_of_event(event: Node<'_>) -> Option<String> {
    let named = slug(event.at("project_slug")).or_else(|| slug(event.at("project.slug")));
    named.or_else(|| {
        let url = event.at("url").text()?;
        let slug = after(&url, "projects")?.nth(1)?;
        crate::node::is_word(slug).then(|| slug.to_owned())
    })
}

/// `…/issues/{issue}/`, in an address of the API or of the pages; older servers send no id.
fn issue_of_event(event: Node<'_>) -> Option<String> {
    let address = |key: &str| after(&event.at(key).text()?, "issues")?.next().map(str::to_owned);
    event.at("issue_id").id().or_else(|| address("issue_url")).or_else(|| address("web_url"))
}

/// The parts of a path behind the part `word`.
fn after<'a>(url: &'a str, word: &str) -> Option<impl Iterator<Item = &'a str>> {
    let mut parts = url.split(['?', '#']).next()?.split('/');
    parts.by_ref().find(|part| *part == word)?;
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tests::node;
    use serde_json::json;

    #[test]
    fn addresses() {
        let table = [
            (json!({"issue_url": "https://sentry.example/api/0/issues/4711/"}), None, Some("4711")),
            (
                json!({"issue_url": "https://sentry.example/api/0/organizations/acme/issues/4711/"}),
                None,
                Some("4711"),
            ),
            (
                json!({
                    "url": "https://sentry.example/api/0/projects/acme/api/events/ab12/",
                    "web_url": "https://sentry.example/organizations/acme/issues/9/events/ab12/?a=issues/1"
                }),
                Some("api"),
                Some("9"),
            ),
            (json!({"issue_id": 5, "project": 7}), None, Some("5")),
            (json!({"issue_id": "5/../6", "url": "https://x/projects/acme"}), None, None),
            (json!({"url": "https://x/projects/acme/a b/"}), None, None),
            (json!({}), None, None),
        ];
        for (event, project, id) in table {
            let data = json!({ "event": event });
            let subject = of("event_alert", node(&data)).unwrap().unwrap();
            assert_eq!((subject.project.as_deref(), subject.id.as_deref()), (project, id), "{event}");
        }
    }
}
