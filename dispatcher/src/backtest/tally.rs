//! What a set makes of each delivery, beside what was made of it, counted by automation.

use std::collections::{BTreeMap, HashMap};

use schemas::automation::{Mode, Usd};
use schemas::decision::Verdict;
use schemas::{AutomationName, DeliveryId, RepoRef};
use serde::Serialize;
use store::Past;

use crate::decide::facts::Facts;
use crate::decide::{Context, Evaluation, decide};
use crate::rules::RuleSet;

/// Examples of each change that an automation is shown with.
const EXAMPLES: usize = 3;

/// What becomes of a delivery that was decided otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It starts a run, and did not.
    Gained,
    /// It started a run, and does not.
    Lost,
    /// Its run works in another repository.
    Changed,
    /// It hangs on what nobody asked at the time.
    Unknown,
}

/// A delivery that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Example {
    /// How.
    pub change: Change,
    /// Which.
    #[schema(value_type = uuid::Uuid)]
    pub delivery: DeliveryId,
    /// What happened: `issue.labeled`.
    pub event: String,
    /// What it was about.
    pub work_item: Option<String>,
    /// What decides it now, or decided it then.
    pub because: String,
}

/// One automation's part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Row {
    /// Its name, the new one where it was renamed.
    pub automation: String,
    /// Deliveries that it decided or decides.
    pub events: u64,
    /// Of them, those that started a run, or joined one that waited for more of the same.
    pub before: u64,
    /// Those that start one now.
    pub after: u64,
    /// Now and not before.
    pub gained: u64,
    /// Before and not now.
    pub lost: u64,
    /// Both times, in another repository.
    pub changed: u64,
    /// Not to be told.
    pub unknown: u64,
    /// What the runs before have cost, by the mean of the automation's finished runs, in US dollars.
    #[schema(value_type = Option<f64>)]
    pub cost_before: Option<Usd>,
    /// What the runs now would, by the same mean or else by `budget.run_usd`.
    #[schema(value_type = Option<f64>)]
    pub cost_after: Option<Usd>,
    /// The first ones of each change.
    pub examples: Vec<Example>,
}

/// Counts by automation, with the new names.
pub(super) struct Tally {
    events: u64,
    renamed: HashMap<AutomationName, AutomationName>,
    rows: BTreeMap<AutomationName, Row>,
}

impl Tally {
    pub(super) fn new(set: &RuleSet) -> Self {
        let renames = set.rules().iter().filter_map(|rule| {
            let automation = &rule.automation;
            Some((automation.was.clone()?, automation.name.clone()))
        });
        Self { events: 0, renamed: renames.collect(), rows: BTreeMap::new() }
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Counts one delivery.
    pub(super) fn add(&mut self, set: &RuleSet, context: &Context, past: &Past<Facts>) {
        self.events += 1;
        let nothing = Facts::default();
        let facts = past.facts.as_ref().unwrap_or(&nothing);
        let mut then: BTreeMap<AutomationName, &Verdict> = BTreeMap::new();
        for decision in &past.decisions {
            let name = self.renamed.get(&decision.automation).unwrap_or(&decision.automation);
            then.insert(name.clone(), &decision.verdict);
        }
        for rule in set.candidates(&past.event) {
            let name = &rule.automation.name;
            let now = match decide(rule, &past.event, context, facts) {
                Evaluation::Match(_) if rule.mode() == Mode::Observe => {
                    Now::Not("`mode: observe` starts nothing".to_owned())
                }
                Evaluation::Match(matched) => Now::Run(matched.repository),
                Evaluation::Verdict(verdict) => Now::Not(verdict.sentence()),
                Evaluation::NeedsFacts(_) => Now::Unknown,
            };
            let verdict = then.remove(name);
            let worked_in =
                past.runs.get(rule.automation.was.as_ref().unwrap_or(name)).or_else(|| past.runs.get(name));
            self.count(name, past, verdict, worked_in, &now);
        }
        for (name, verdict) in then {
            let known = set.rules().iter().any(|rule| rule.automation.name == name);
            let because = if known {
                "it does not listen to this any more"
            } else {
                "there is no such automation any more"
            };
            self.count(&name, past, Some(verdict), None, &Now::Not(because.to_owned()));
        }
    }

    fn count(
        &mut self,
        name: &AutomationName,
        past: &Past<Facts>,
        then: Option<&Verdict>,
        worked_in: Option<&RepoRef>,
        now: &Now,
    ) {
        let ran = then.is_some_and(started);
        let row = self.rows.entry(name.clone()).or_default();
        row.events += 1;
        row.before += u64::from(ran);
        row.after += u64::from(matches!(now, Now::Run(_)));
        let (change, because) = match now {
            Now::Unknown => (Change::Unknown, "it hangs on what was not asked at the time".to_owned()),
            Now::Run(_) if !ran => (
                Change::Gained,
                then.map_or_else(|| "it did not listen to this".to_owned(), Verdict::sentence),
            ),
            Now::Not(because) if ran => (Change::Lost, because.clone()),
            Now::Run(repository) => match worked_in.filter(|before| *before != repository) {
                Some(before) => (Change::Changed, format!("it works in {repository} instead of {before}")),
                None => return,
            },
            Now::Not(_) => return,
        };
        *match change {
            Change::Gained => &mut row.gained,
            Change::Lost => &mut row.lost,
            Change::Changed => &mut row.changed,
            Change::Unknown => &mut row.unknown,
        } += 1;
        if row.examples.iter().filter(|example| example.change == change).count() < EXAMPLES {
            row.examples.push(Example {
                change,
                delivery: past.delivery,
                event: past.event.r#type.to_string(),
                work_item: past.event.work_item.as_ref().map(ToString::to_string),
                because,
            });
        }
    }

    /// The rows with what their runs cost; those that nothing happened to are left out.
    pub(super) fn rows(self, set: &RuleSet, spent: &HashMap<AutomationName, Usd>) -> Vec<Row> {
        let rows = self.rows.into_iter().map(|(name, mut row)| {
            let rule = set.rules().iter().find(|rule| rule.automation.name == name);
            let was = rule.and_then(|rule| rule.automation.was.as_ref());
            let mean = spent.get(&name).or_else(|| spent.get(was?)).copied();
            let budget = rule.and_then(|rule| rule.automation.budget.as_ref()?.run_usd);
            row.automation = name.to_string();
            row.cost_before = mean.and_then(|mean| times(mean, row.before));
            row.cost_after = mean.or(budget).and_then(|each| times(each, row.after));
            row.examples.sort_by_key(|example| example.change);
            row
        });
        rows.collect()
    }
}

/// What a rule comes to now.
enum Now {
    Run(RepoRef),
    Not(String),
    Unknown,
}

/// Whether a decision led to a run.
fn started(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Matched { run: Some(_) }
            | Verdict::Waiting { .. }
            | Verdict::Debounced { .. }
            | Verdict::OverBudget { .. }
    )
}

fn times(each: Usd, count: u64) -> Option<Usd> {
    each.micros().checked_mul(count).map(Usd::from_micros)
}
