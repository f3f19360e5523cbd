//! Webhook deliveries as GitHub makes them, and as it never would.

use serde_json::Value;

use super::plan::{LABEL, MAINTAINER, NAME, OWNER, SECRET};
use super::world::World;

/// What the door said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 0 when there was no answer.
    pub status: u16,
    pub text: String,
}

impl Answer {
    /// The delivery's id, where it was taken.
    pub fn delivery(&self) -> String {
        assert_eq!(self.status, 202, "{}", self.text);
        self.json()["delivery"].as_str().unwrap().to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// The signature header of a body.
pub fn sign(body: &[u8]) -> String {
    forge_sim::sign::github(SECRET, body)
}

impl World {
    /// A signed delivery.
    pub async fn deliver(&self, event: &str, guid: &str, body: &[u8]) -> Answer {
        let signature = sign(body);
        let headers = [
            ("content-type", "application/json"),
            ("x-github-event", event),
            ("x-github-delivery", guid),
            ("x-hub-signature-256", signature.as_str()),
        ];
        self.deliver_raw("/webhooks/github", &headers, body.to_vec()).await
    }

    /// A POST with exactly these headers.
    pub async fn deliver_raw(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.http.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match request.send().await {
            Ok(answer) => {
                Answer { status: answer.status().as_u16(), text: answer.text().await.unwrap_or_default() }
            }
            Err(error) => Answer { status: 0, text: format!("{error:?}") },
        }
    }

    /// `issues.labeled` with the command label, as the forge would send it.
    pub fn labelled_payload(&self, number: u64) -> Value {
        self.sim.labeled_payload(OWNER, NAME, number, LABEL, MAINTAINER).unwrap()
    }
}
