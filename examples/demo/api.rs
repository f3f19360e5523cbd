//! What the demo asks of both processes.

use anyhow::Context;
use serde_json::{Value, json};

use crate::world::{LABEL, MAINTAINER, REPO, World};

impl World {
    /// One call of Pullwright's API.
    pub async fn api(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/{path}", self.server);
        let answer = reqwest::Client::new().get(url).bearer_auth(&self.token).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// A delivery of `issues.labeled` that the stand-in signs with `secret`; the answer's status and body.
    pub async fn deliver(&self, label: &str, secret: &str) -> anyhow::Result<(u64, Value)> {
        let wish = json!({
            "repository": REPO, "number": self.issue, "label": label, "sender": MAINTAINER,
            "url": format!("{}/webhooks/github", self.server), "secret": secret,
        });
        let url = format!("{}/_sim/deliver", self.forge);
        let answer = reqwest::Client::new().post(url).json(&wish).send().await?.error_for_status()?;
        let records: Value = answer.json().await?;
        let status = records[0]["status"].as_u64().context("no answer from Pullwright")?;
        let body = serde_json::from_str(records[0]["answer"].as_str().unwrap_or_default());
        Ok((status, body.unwrap_or(Value::Null)))
    }

    /// The maintainer puts the label on the issue; the stand-in's webhook follows.
    pub async fn label_issue(&self) -> anyhow::Result<()> {
        let wish =
            json!({ "repository": REPO, "number": self.issue, "labels": [LABEL], "login": MAINTAINER });
        let url = format!("{}/_sim/labels", self.forge);
        reqwest::Client::new().post(url).json(&wish).send().await?.error_for_status()?;
        Ok(())
    }

    /// Everything the stand-in knows of the repository.
    pub async fn repository(&self) -> anyhow::Result<Value> {
        let state: Value = reqwest::get(format!("{}/_sim/state", self.forge)).await?.json().await?;
        Ok(state["repositories"][REPO].clone())
    }
}
