//! Why deliveries may not arrive or cannot be asked for, in sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use forge::ForgeError;
use schemas::ConnectionName;

/// What helps where rights are missing.
const LACKING: &str = "; the credential has to manage webhooks there: on GitHub the scope \
                       `admin:repo_hook` or the permission Webhooks (write), on GitLab the role Maintainer";

/// What stands in the way, in sentences by connection.
#[derive(Default)]
pub(crate) struct HookProblems(Mutex<BTreeMap<ConnectionName, Vec<String>>>);

impl HookProblems {
    /// Logs what is new, once.
    pub(super) fn note(&self, connection: &ConnectionName, sentences: Vec<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.insert(connection.clone(), sentences.clone()).unwrap_or_default();
        for problem in sentences.iter().filter(|sentence| !before.contains(sentence)) {
            tracing::warn!(%connection, problem, "webhooks need attention");
        }
        if sentences.is_empty() && !before.is_empty() {
            tracing::info!(%connection, "webhooks are in order again");
        }
    }

    /// Every sentence with its connection.
    pub(super) fn all(&self) -> Vec<(ConnectionName, String)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = all.iter().flat_map(|(name, told)| told.iter().map(|one| (name.clone(), one.clone())));
        pairs.collect()
    }
}

/// What went wrong in one round with one connection.
#[derive(Default)]
pub(super) struct Problems {
    /// Sentences that are ready.
    pub found: Vec<String>,
    /// Whose hooks cannot be worked with, by the error.
    unreadable: BTreeMap<String, (BTreeSet<String>, &'static str)>,
}

impl Problems {
    /// Notes that work on the hooks of `subject` failed.
    pub(super) fn add(&mut self, subject: &str, error: &ForgeError) {
        let (told, remedy) = match error {
            // What was looked for is the subject already.
            ForgeError::NotFound { .. } => ("they were not found".to_owned(), LACKING),
            ForgeError::Forbidden { .. } => (error.to_string(), LACKING),
            ForgeError::CredentialRefused => {
                (error.to_string(), "; make a new token, or check the App's id and private key")
            }
            _ => (error.to_string(), ""),
        };
        let (subjects, _) = self.unreadable.entry(told).or_insert((BTreeSet::new(), remedy));
        subjects.insert(subject.to_owned());
    }

    /// One for each kind of trouble.
    pub(super) fn sentences(self) -> Vec<String> {
        let mut sentences = self.found;
        for (told, (subjects, remedy)) in self.unreadable {
            let Some(first) = subjects.first() else { continue };
            let others = match subjects.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            sentences.push(format!("the webhooks of {first}{others} cannot be looked after: {told}{remedy}"));
        }
        sentences
    }
}
