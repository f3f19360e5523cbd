//! Operators, and which kinds of values each one joins.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators as op};

use super::super::error::ConditionError;
use super::super::kind::Kind;
use super::super::language::Steps;
use super::{Part, Pass};

/// Bytes that one step compares.
const BYTES_A_STEP: u64 = 1024;

impl Pass<'_> {
    /// The operator of a call, where it is one.
    pub(super) fn operator(
        &mut self,
        name: &str,
        arguments: &mut [IdedExpr],
        depth: usize,
    ) -> Option<Result<Part, ConditionError>> {
        let depth = depth + 1;
        Some(match (name, arguments) {
            (op::LOGICAL_AND | op::LOGICAL_OR, [a, b]) => self.flags(a, b, depth),
            (op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE, [a]) => {
                self.flag(a, depth).map(|steps| Part::new(Kind::Flag, steps + 1))
            }
            (op::CONDITIONAL, [condition, a, b]) => self.choice(condition, a, b, depth),
            (op::EQUALS | op::NOT_EQUALS, [a, b]) => self.equality(name, a, b, depth),
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [a, b]) => {
                self.order(name, a, b, depth)
            }
            (op::IN, [a, b]) => self.membership(a, b, depth),
            (op::ADD, [a, b]) if so_far(a) && matches!(b.expr, Expr::List(_)) => self.part(b, depth),
            (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, [a, b]) => {
                self.arithmetic(name, a, b, depth)
            }
            (op::NEGATE, [a]) => self.number(name, a, depth).map(|steps| Part::new(Kind::Number, steps + 1)),
            (op::INDEX, [list, number]) => self.index(list, number, depth),
            _ => return None,
        })
    }

    fn flags(&mut self, a: &mut IdedExpr, b: &mut IdedExpr, depth: usize) -> Result<Part, ConditionError> {
        let steps = self.flag(a, depth)? + self.flag(b, depth)? + 1;
        Ok(Part::new(Kind::Flag, steps))
    }

    fn choice(
        &mut self,
        condition: &mut IdedExpr,
        a: &mut IdedExpr,
        b: &mut IdedExpr,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let condition = self.flag(condition, depth)?;
        let (first, second) = (self.part(a, depth)?, self.part(b, depth)?);
        let message = format!("`? :` chooses between {} and {}", first.kind, second.kind);
        let steps = condition + first.steps.max(second.steps) + 1;
        match first.kind.either(second.kind) {
            Some(Kind::Object) | None => Err(ConditionError::at(
                self.place(b),
                message,
                "both have to be conditions, texts, numbers or lists",
            )),
            Some(kind) => Ok(Part::new(kind, steps)),
        }
    }

    fn equality(
        &mut self,
        name: &str,
        a: &mut IdedExpr,
        b: &mut IdedExpr,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let (first, second) = (self.part(a, depth)?, self.part(b, depth)?);
        self.word(&first.kind, b)?;
        self.word(&second.kind, a)?;
        self.comparable(name, &first.kind, &second.kind, b)?;
        Ok(Part::new(Kind::Flag, first.steps + second.steps + compared(&first.kind, &second.kind)))
    }

    fn order(
        &mut self,
        name: &str,
        a: &mut IdedExpr,
        b: &mut IdedExpr,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let (first, second) = (self.part(a, depth)?, self.part(b, depth)?);
        self.comparable(name, &first.kind, &second.kind, b)?;
        if !matches!(first.kind, Kind::Number | Kind::Text { .. }) {
            let message = format!("`{}` orders numbers or texts, and this is {}", plain(name), first.kind);
            return Err(ConditionError::at(self.place(a), message, "compare with `==`"));
        }
        Ok(Part::new(Kind::Flag, first.steps + second.steps + compared(&first.kind, &second.kind)))
    }

    /// Refuses to compare what is never equal because of its kind.
    fn comparable(&self, name: &str, a: &Kind, b: &Kind, at: &IdedExpr) -> Result<(), ConditionError> {
        match a.clone().either(b.clone()) {
            Some(Kind::Object) | None => {
                let message = format!("`{}` compares {a} with {b}", plain(name));
                let remedy = match (a, b) {
                    (Kind::List { .. }, Kind::Text { .. }) | (Kind::Text { .. }, Kind::List { .. }) => {
                        "ask whether the list has it: `'x' in event.labels`"
                    }
                    (Kind::Text { .. }, Kind::Number) => "a text stands in quotes: `'12'`",
                    (Kind::Number, Kind::Text { .. }) => "a number stands without quotes: `12`",
                    (Kind::Object, _) | (_, Kind::Object) => "compare one of its fields, or ask `has(…)`",
                    _ => "both sides have to be of one kind",
                };
                Err(ConditionError::at(self.place(at), message, remedy))
            }
            Some(_) => Ok(()),
        }
    }

    /// Refuses a literal that a field of a few words can never be.
    fn word(&self, kind: &Kind, other: &IdedExpr) -> Result<(), ConditionError> {
        let Kind::Text { words: words @ [_, ..], .. } = kind else { return Ok(()) };
        let literals = match &other.expr {
            Expr::List(list) => list.elements.as_slice(),
            _ => std::slice::from_ref(other),
        };
        for literal in literals {
            let Expr::Literal(LiteralValue::String(text)) = &literal.expr else { continue };
            let possible = words.contains(&text.inner()) || text.starts_with("unmapped.") || text.is_empty();
            if !possible {
                let remedy = match config::yaml::closest(text, words.iter().copied()) {
                    Some(word) => format!("did you mean `'{word}'`?"),
                    None => format!("it can be {}", words.join(", ")),
                };
                let message = format!("it is never '{}'", text.inner());
                return Err(ConditionError::at(self.place(literal), message, remedy));
            }
        }
        Ok(())
    }

    fn membership(
        &mut self,
        a: &mut IdedExpr,
        b: &mut IdedExpr,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let (value, list) = (self.part(a, depth)?, self.part(b, depth)?);
        let Kind::List { of, most } = &list.kind else {
            let message = format!("`in` looks into a list, and this is {}", list.kind);
            let remedy = match list.kind {
                Kind::Text { .. } => "ask `text.contains('x')`",
                _ => "for example `'bug' in event.labels`",
            };
            return Err(ConditionError::at(self.place(b), message, remedy));
        };
        self.word(&value.kind, b)?;
        let of = of.as_deref().unwrap_or(&value.kind);
        if value.kind.clone().either(of.clone()).is_none() || value.kind == Kind::Object {
            let message = format!("{} is looked for in a list of {}", value.kind, of.plural());
            return Err(ConditionError::at(self.place(a), message, "both have to be of one kind"));
        }
        let looked = most.saturating_mul(compared(&value.kind, of));
        Ok(Part::new(Kind::Flag, value.steps.saturating_add(list.steps).saturating_add(looked)))
    }

    fn arithmetic(
        &mut self,
        name: &str,
        a: &mut IdedExpr,
        b: &mut IdedExpr,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let steps = self.number(name, a, depth)? + self.number(name, b, depth)? + 1;
        Ok(Part::new(Kind::Number, steps))
    }

    fn number(&mut self, name: &str, node: &mut IdedExpr, depth: usize) -> Result<Steps, ConditionError> {
        let part = self.part(node, depth)?;
        if part.kind == Kind::Number {
            return Ok(part.steps);
        }
        let message = format!("`{}` takes numbers, and this is {}", plain(name), part.kind);
        Err(ConditionError::at(self.place(node), message, "texts and lists are compared, not put together"))
    }

    fn index(
        &mut self,
        list: &mut IdedExpr,
        number: &mut IdedExpr,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let part = self.part(list, depth)?;
        let Kind::List { of, .. } = part.kind else {
            let message = format!("`[ ]` takes an element of a list, and this is {}", part.kind);
            return Err(ConditionError::at(self.place(list), message, "fields are named: `event.item.key`"));
        };
        let steps = part.steps + self.number(op::INDEX, number, depth)? + 1;
        Ok(Part::new(of.map_or(Kind::text(0), |of| *of), steps))
    }
}

/// Steps to compare two values.
fn compared(a: &Kind, b: &Kind) -> Steps {
    1 + a.bytes().min(b.bytes()) / BYTES_A_STEP
}

/// What a loop has come to, which nobody can name.
fn so_far(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name.starts_with('@'))
}

/// An operator as people write it.
fn plain(name: &str) -> &str {
    match name {
        op::INDEX => "[ ]",
        _ => name.trim_matches(['_', '@']),
    }
}
