//! Where in the text a part stands. The tree knows signs; a part reaches over all of its own.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr};

use super::Pass;

impl Pass<'_> {
    /// The text that a part was read from, in bytes; without brackets around it.
    pub(super) fn place(&self, node: &IdedExpr) -> Range<usize> {
        let sign = self.source.offset_for(node.id).map(|(from, to)| from as usize..to as usize + 1);
        let mut place = sign.unwrap_or(0..self.source.source.len());
        match &node.expr {
            Expr::Select(select) => {
                let operand = self.place(&select.operand);
                place = if select.test {
                    place.start.saturating_sub("has".len())..operand.end + 2 + select.field.len()
                } else {
                    operand.start..place.end + select.field.len()
                };
            }
            Expr::Call(call) => {
                // A function's sign is its bracket.
                if call.target.is_none() && call.func_name.starts_with(char::is_alphabetic) {
                    place.start = place.start.saturating_sub(call.func_name.len());
                }
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    let part = self.place(part);
                    place = place.start.min(part.start)..place.end.max(part.end);
                }
                if self.text_at(place.end) == Some(b')') && call.func_name.starts_with(char::is_alphabetic)
                    || self.text_at(place.end) == Some(b']') && call.func_name == "_[_]"
                {
                    place.end += 1;
                }
            }
            Expr::List(list) => {
                let end = list.elements.last().map_or(place.end, |last| self.place(last).end);
                place.end = if self.text_at(end) == Some(b']') { end + 1 } else { end };
            }
            Expr::Comprehension(comprehension) => place = self.place_of_loop(place, comprehension),
            _ => {}
        }
        self.within(place)
    }

    /// From the list that it goes through to the bracket after its name.
    pub(super) fn place_of_loop(&self, sign: Range<usize>, of: &ComprehensionExpr) -> Range<usize> {
        self.place(&of.iter_range).start..sign.end
    }

    /// The name before a bracket: `exists`.
    pub(super) fn word_before(&self, bracket: usize) -> &str {
        let before = self.source.source.get(..bracket).unwrap_or_default();
        before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    }

    fn text_at(&self, at: usize) -> Option<u8> {
        self.source.source.as_bytes().get(at).copied()
    }

    fn within(&self, place: Range<usize>) -> Range<usize> {
        let text = &self.source.source;
        let end = text.ceil_char_boundary(place.end.min(text.len()));
        text.floor_char_boundary(place.start.min(end))..end
    }
}
