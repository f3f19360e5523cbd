//! `pullwright test`: what automations make of the deliveries that their tests name.

use std::path::Path;

use config::{Env, Settings};
use dispatcher::decide::Context;
use dispatcher::rules::{self, Rule};
use dispatcher::trial::{self, Tried};
use schemas::automation::AutomationTest;
use schemas::{Clock, SystemClock, WebhookName};
use serde_json::json;

use super::args::{Global, TestArgs};
use super::output::Output;
use super::{CliError, Ending, check, escape};
use crate::parts::deciding;

/// Runs the tests of all automations, or of those that are named.
pub(super) fn run(
    args: &TestArgs,
    global: &Global,
    env: &dyn Env,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let settings = config::load(global.config.as_deref(), env)?.settings;
    let config::Automations::Folder(folder) = &settings.automations else {
        eprintln!(
            "the automations lie in a repository: test them in a checkout of it, with PULLWRIGHT__AUTOMATIONS=FOLDER"
        );
        return Ok(Ending::CouldNotRun);
    };
    let set = match rules::load_folder_knowing(folder, Some(&(&settings).into())) {
        Ok(set) => set,
        Err(error) => return check::mistakes(error, &[], out),
    };
    if let Some(name) =
        args.names.iter().find(|name| !set.rules().iter().any(|rule| rule.automation.name.0 == **name))
    {
        eprintln!("there is no automation `{}`", escape::line(name));
        return Ok(Ending::CouldNotRun);
    }
    let mut results = Vec::new();
    for rule in set.rules() {
        let wanted = args.names.is_empty() || args.names.contains(&rule.automation.name.0);
        for test in rule.tests.iter().filter(|_| wanted) {
            results.push(Outcome { rule, test, tried: tried(rule, test, folder, &settings) });
        }
    }
    if out.json {
        let data: Vec<_> = results.iter().map(Outcome::as_data).collect();
        out.raw_json(&json!({ "tests": data }).to_string())?;
    } else {
        for result in &results {
            out.line(&result.line())?;
        }
        let failed = results.iter().filter(|result| result.failure().is_some()).count();
        let ended = match (results.len(), failed) {
            (0, _) => "there are no tests; an automation has them under `tests:`".to_owned(),
            (all, 0) => format!("{all} test(s) passed"),
            (all, failed) => format!("{failed} of {all} test(s) failed"),
        };
        out.line(&ended)?;
    }
    let any_failed = results.iter().any(|result| result.failure().is_some());
    Ok(if any_failed { Ending::Problems } else { Ending::Fine })
}

fn tried(rule: &Rule, test: &AutomationTest, folder: &Path, settings: &Settings) -> Result<Tried, String> {
    let readings = deciding::readings(settings);
    let reading = readings.get(&WebhookName::from(test.webhook.as_str()));
    let reading = reading.ok_or_else(|| format!("there is no webhook `{}`", test.webhook))?;
    let body = rules::read_bytes(folder, &test.payload).map_err(|error| error.to_string())?;
    let context = Context { routing: deciding::routing(settings), ..Context::default() };
    trial::run_test(rule, test, &body, reading, &context, SystemClock::new().now())
}

/// What came of one test.
struct Outcome<'a> {
    rule: &'a Rule,
    test: &'a AutomationTest,
    tried: Result<Tried, String>,
}

impl Outcome<'_> {
    fn failure(&self) -> Option<String> {
        match &self.tried {
            Ok(tried) => tried.failure.clone(),
            Err(unread) => Some(format!("the payload is no delivery: {unread}")),
        }
    }

    fn line(&self) -> String {
        let about = format!("{}: {}", self.rule.automation.name, self.test.payload);
        match self.failure() {
            None => format!("ok      {}: {}", escape::line(&about), self.test.expect.decision),
            Some(failure) => format!("FAILED  {}: {}", escape::line(&about), escape::line(&failure)),
        }
    }

    fn as_data(&self) -> serde_json::Value {
        json!({
            "automation": self.rule.automation.name,
            "file": self.rule.file,
            "payload": self.test.payload,
            "expected": self.test.expect,
            "decided": self.tried.as_ref().ok().map(|tried| &tried.verdict),
            "repository": self.tried.as_ref().ok().and_then(|tried| tried.repository.as_ref()),
            "failure": self.failure(),
        })
    }
}
