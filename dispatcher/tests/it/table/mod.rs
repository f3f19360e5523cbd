//! What every key of an automation means: rules against events that the real parsers read from
//! samples. The snapshots are the truth; each line is a case.

mod change;
mod events;
mod labels;
mod people;
mod said;
mod trackers;
mod where_to;

use std::collections::BTreeMap;

use dispatcher::decide::facts::{Answer, Answered, FactKey, Facts};
use dispatcher::decide::{Context, Evaluation, decide};
use dispatcher::rules::load_texts;
use forge::PullRequestFacts;
use schemas::Event;
use schemas::automation::Permission;

/// What forges, trackers and our own records answer, and who we are.
#[derive(Clone)]
pub struct World {
    pub permission: Result<Permission, String>,
    pub memberships: Vec<&'static str>,
    pub paths: Result<Vec<String>, String>,
    pub pull_request: PullRequestFacts,
    pub own: bool,
    pub open_pull_request: Option<u64>,
    pub context: Context,
}

impl Default for World {
    fn default() -> Self {
        let context = Context { instance: "us".to_owned(), ..Context::default() };
        Self {
            permission: Ok(Permission::Write),
            memberships: Vec::new(),
            paths: Ok(vec!["src/main.rs".to_owned()]),
            pull_request: PullRequestFacts {
                head_ref: "feature".to_owned(),
                head: None,
                base_ref: "main".to_owned(),
                draft: false,
                fork: false,
                open: true,
                author: None,
            },
            own: false,
            open_pull_request: None,
            context,
        }
    }
}

impl World {
    fn answer(&self, question: &FactKey) -> Answered {
        use FactKey as K;
        let member = |name: &str| Ok(Answer::Is(self.memberships.contains(&name)));
        match question {
            K::Permission { .. } => self.permission.clone().map(Answer::Permission),
            K::Team { team, .. } => member(team),
            K::Group { group, .. } => member(group),
            K::Role { role, .. } => member(role),
            K::ChangedPaths { .. } => self.paths.clone().map(Answer::Paths),
            K::PullRequest { .. } => Ok(Answer::PullRequest(self.pull_request.clone())),
            K::OwnPullRequest { .. } | K::OwnCommit { .. } | K::OwnLabel { .. } | K::OwnUnlabel { .. } => {
                Ok(Answer::Is(self.own))
            }
            K::OpenPullRequest { .. } => Ok(Answer::Number(self.open_pull_request)),
        }
    }
}

/// The cases of a snapshot.
#[derive(Default)]
pub struct Table(Vec<String>);

impl Table {
    pub fn group(&mut self, key: &str) {
        self.0.push(format!("\n# {key}"));
    }

    /// `on` is an entry, `more` are further keys of the automation.
    pub fn row(&mut self, name: &str, on: &str, more: &str, event: &Event, world: &World) {
        let run = if more.contains("run:") { "" } else { "    run: { commands: [make] }\n" };
        let text = format!("version: 1\nautomations:\n  - name: r\n    on: [{{ {on} }}]\n    {more}\n{run}");
        let set = load_texts(BTreeMap::from([("a.yaml".to_owned(), text.clone())]));
        let set = set.unwrap_or_else(|mistakes| unreachable!("{name}: {mistakes:?}\n{text}"));
        let (mut facts, mut asked) = (Facts::default(), Vec::new());
        let decided = loop {
            let questions = match decide(&set.rules()[0], event, &world.context, &facts) {
                Evaluation::NeedsFacts(questions) => questions,
                Evaluation::Verdict(verdict) => break format!("{}: {}", verdict.word(), verdict.sentence()),
                Evaluation::Match(matched) => {
                    let depth =
                        if matched.depth > 1 { format!(", depth {}", matched.depth) } else { String::new() };
                    break format!("matched: {}{depth}", matched.repository);
                }
            };
            for question in questions {
                assert!(facts.get(&question).is_none(), "{name}: asked twice: {question:?}");
                let word = format!("{question:?}");
                asked.push(word.split([' ', '{']).next().unwrap().to_owned());
                let answer = world.answer(&question);
                facts.insert(question, answer);
            }
        };
        let asked = if asked.is_empty() { String::new() } else { format!("  [asked: {}]", asked.join(", ")) };
        self.0.push(format!("{name} → {decided}{asked}"));
    }

    pub fn text(self) -> String {
        self.0.join("\n").trim_start().to_owned()
    }
}
