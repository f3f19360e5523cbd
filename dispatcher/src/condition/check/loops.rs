//! `exists`, `all`, `exists_one`, `filter` and `map`, which the parser has made loops of.

use std::ops::Range;

use cel::common::ast::ComprehensionExpr;

use super::super::error::ConditionError;
use super::super::kind::Kind;
use super::{Bound, Part, Pass};

/// Loops within each other.
const DEEPEST: usize = 2;
/// What a round takes besides what is asked in it.
const ROUND: u64 = 3;

impl Pass<'_> {
    pub(super) fn comprehension(
        &mut self,
        of: &mut ComprehensionExpr,
        place: Range<usize>,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let word = self.word_before(place.end.saturating_sub(1)).to_owned();
        let range = self.part(&mut of.iter_range, depth + 1)?;
        let Kind::List { of: element, most } = range.kind else {
            let message = format!("`{word}` goes through a list, and this is {}", range.kind);
            let place = self.place(&of.iter_range);
            return Err(ConditionError::at(place, message, "for example `event.labels`"));
        };
        let element = element.map_or(Kind::text(0), |element| *element);
        if of.iter_var == "event" || self.loops.iter().any(|bound| bound.name == of.iter_var) {
            let message = format!("`{}` has a meaning here already", of.iter_var);
            return Err(ConditionError::at(place, message, "choose another name, for example `x`"));
        }
        let outer = self.loops.len();
        // Each loop brings two names: its variable, and what it has come to.
        if outer / 2 == DEEPEST {
            let message = format!("more than {DEEPEST} of `exists`, `all`, … stand within each other");
            return Err(ConditionError::at(place, message, "ask one after the other, joined by `&&`"));
        }
        let start = self.part(&mut of.accu_init, depth + 1)?;
        self.loops.push(Bound { name: of.iter_var.clone(), kind: element });
        self.loops.push(Bound { name: of.accu_var.clone(), kind: start.kind });
        let round = self.flag(&mut of.loop_cond, depth + 1)?;
        let step = self.part(&mut of.loop_step, depth + 1)?;
        if let Some(so_far) = self.loops.last_mut() {
            so_far.kind = match step.kind {
                Kind::List { of, .. } => Kind::List { of, most },
                kind => kind,
            };
        }
        let result = self.part(&mut of.result, depth + 1)?;
        self.loops.truncate(outer);
        let rounds = most.saturating_mul(round.saturating_add(step.steps).saturating_add(ROUND));
        let steps = range.steps.saturating_add(rounds).saturating_add(result.steps);
        Ok(Part::new(result.kind, steps))
    }
}
