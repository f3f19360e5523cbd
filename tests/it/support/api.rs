//! Pullwright's answers, and the forge's state, in the words of a test.

use forge_sim::model::{Comment, Item};
use serde_json::Value;

use super::plan::{LABEL, MAINTAINER, NAME, OWNER, REPO};
use super::world::World;

impl World {
    pub fn admin_token(&self) -> String {
        std::fs::read_to_string(self.path("data/admin.token")).unwrap_or_default().trim().to_owned()
    }

    /// A GET without a token: status and text; 0 without an answer.
    pub async fn get(&self, path: &str) -> (u16, String) {
        match self.http.get(self.url(path)).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(error) => (0, error.to_string()),
        }
    }

    /// One call of the API; 0 and `null` without an answer.
    pub async fn api(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(self.url(&format!("/api/v1/{path}"))).bearer_auth(self.admin_token());
        match request.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)),
            Err(_) => (0, Value::Null),
        }
    }

    pub async fn post(&self, path: &str) -> (u16, Value) {
        let request = self.http.post(self.url(&format!("/api/v1/{path}"))).bearer_auth(self.admin_token());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// All rows of a list, oldest first.
    pub async fn all(&self, list: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut before = String::new();
        loop {
            let (status, page) = self.api(&format!("{list}?limit=200{before}")).await;
            assert_eq!(status, 200, "{list}: {page}");
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => break,
            }
        }
        rows.reverse();
        rows
    }

    /// Opens an issue as the maintainer.
    pub fn issue(&self, title: &str) -> u64 {
        self.sim.create_issue(OWNER, NAME, MAINTAINER, title, "It should greet.", &[]).unwrap().number
    }

    /// The maintainer puts the command label on an issue; the forge's webhook follows.
    pub fn label(&self, number: u64) {
        self.sim.label_issue(OWNER, NAME, number, LABEL, MAINTAINER).unwrap();
    }

    /// A new issue with the command label on it.
    pub fn labelled_issue(&self) -> u64 {
        let number = self.issue("It does not greet");
        self.label(number);
        number
    }

    /// The detail of the newest run about an issue, once there is one that `wanted` accepts.
    pub async fn run_when(&self, number: u64, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let item = format!("github:{REPO}#{number}");
        self.wait(&format!("a run on {item} that is {what}"), async || {
            let (_, runs) = self.api("runs?limit=200").await;
            let row = runs["items"].as_array()?.iter().find(|run| run["work_item"] == *item)?.clone();
            let (_, run) = self.api(&format!("runs/{}", row["id"].as_str()?)).await;
            wanted(&run).then_some(run)
        })
        .await
    }

    /// The run about an issue, once its commands run.
    pub async fn running(&self, number: u64) -> Value {
        self.run_when(number, "in its commands", |run| run["step"] == "commands").await
    }

    /// The run about an issue, once it is over and everything about it is written.
    pub async fn finished(&self, number: u64) -> Value {
        self.run_when(number, "over", |run| run["state"] == "done" && settled(run)).await
    }

    /// The delivery, once it was decided.
    pub async fn delivery(&self, id: &str) -> Value {
        self.wait(&format!("delivery {id} decided"), async || {
            let (status, delivery) = self.api(&format!("deliveries/{id}")).await;
            (status == 200).then_some(delivery)
        })
        .await
    }

    pub fn item(&self, number: u64) -> Item {
        self.sim.issue(OWNER, NAME, number).unwrap()
    }

    /// Our comments on an issue.
    pub fn our_comments(&self, number: u64) -> Vec<Comment> {
        let comments = self.item(number).comments;
        comments.into_iter().filter(|comment| comment.body.contains("<!-- pullwright:")).collect()
    }

    /// Our one comment on an issue.
    pub fn our_comment(&self, number: u64) -> String {
        let comments = self.our_comments(number);
        assert_eq!(comments.len(), 1, "{comments:#?}");
        comments.into_iter().next().unwrap().body
    }

    /// The pull requests that were opened for an issue.
    pub fn pulls_for(&self, number: u64) -> Vec<Item> {
        let ours = format!("/{number}-");
        let pulls = self.sim.pulls(OWNER, NAME).into_iter();
        pulls.filter(|pull| pull.pull.as_ref().is_some_and(|pull| pull.head.contains(&ours))).collect()
    }
}

/// Whether nothing more will be written about a run.
fn settled(run: &Value) -> bool {
    let under_way = |intent: &Value| intent["state"] == "open" || intent["state"] == "calling";
    !run["intents"].as_array().is_some_and(|intents| intents.iter().any(under_way))
}
