//! What has to be asked before a batch is decided: each question once, for all who ask it.

use std::collections::{HashMap, HashSet};

use schemas::{DeliveryId, Event};
use tracing::Instrument;

use crate::Dispatcher;
use crate::decide::facts::{DEADLINE, FactKey, Facts};
use crate::decide::{Context, Evaluation, decide};
use crate::rules::{Rule, RuleSet};

/// An answer may lead to another question: the pull request, its files, the actor's permission,
/// memberships, an open pull request of ours. Whoever asks more than this stays without an answer.
const ROUNDS: usize = 8;

impl Dispatcher {
    /// The facts that each event is decided on, within one deadline for all.
    pub(crate) async fn gather<'a>(
        &self,
        rules: &RuleSet,
        context: &Context,
        events: impl Iterator<Item = &'a Event>,
    ) -> HashMap<DeliveryId, Facts> {
        let mut facts: HashMap<DeliveryId, Facts> = HashMap::new();
        let mut open: Vec<(&Event, &Rule)> =
            events.flat_map(|event| rules.candidates(event).map(move |rule| (event, rule))).collect();
        let started = self.clock.monotonic();
        for _ in 0..ROUNDS {
            let mut asked: HashMap<FactKey, HashSet<DeliveryId>> = HashMap::new();
            open.retain(|(event, rule)| {
                let known = facts.entry(event.id).or_default();
                let Evaluation::NeedsFacts(needs) = decide(rule, event, context, known) else { return false };
                for question in needs {
                    asked.entry(question).or_default().insert(event.id);
                }
                true
            });
            if asked.is_empty() {
                break;
            }
            let left = DEADLINE.saturating_sub(self.clock.monotonic().saturating_sub(started));
            let span = tracing::info_span!("dispatcher.find_facts", questions = asked.len());
            let questions: Vec<FactKey> = asked.keys().cloned().collect();
            for (question, answer) in self.facts.find(questions, left).instrument(span).await {
                for event in asked.remove(&question).into_iter().flatten() {
                    facts.entry(event).or_default().insert(question.clone(), answer.clone());
                }
            }
        }
        facts.retain(|_, found| !found.is_empty());
        facts
    }
}
