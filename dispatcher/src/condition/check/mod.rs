//! The pass over a condition's syntax tree: what each part comes to, and the most it can take.

mod calls;
mod loops;
mod names;
mod operators;
mod place;

use cel::IdedExpr;
use cel::common::ast::{Expr, ListExpr, LiteralValue, SourceInfo};

use super::error::ConditionError;
use super::fields::Field;
use super::kind::Kind;
use super::language::{Pattern, Steps};

/// Parts within each other: the evaluator calls itself for each, on an ordinary thread's stack.
const DEEPEST: usize = 40;
/// Parts of a condition.
const MOST_PARTS: usize = 500;
/// What evaluating it once may take at the worst; some 20 ms.
const MOST_STEPS: Steps = 100_000;

/// What the pass found besides mistakes.
pub(super) struct Found {
    pub(super) patterns: Vec<Pattern>,
    pub(super) fields: Vec<&'static Field>,
}

/// Checks a condition, and puts names for what is known by now in its tree: `has()` and patterns.
pub(super) fn condition(tree: &mut IdedExpr, source: &SourceInfo) -> Result<Found, ConditionError> {
    let mut pass = Pass { source, patterns: Vec::new(), fields: Vec::new(), loops: Vec::new(), parts: 0 };
    let steps = pass.flag(tree, 0)?;
    if pass.fields.is_empty() {
        return Err(ConditionError::whole(
            &source.source,
            "the condition says the same for every event",
            "look at a field, such as `event.labels`; `mode: disabled` switches an automation off",
        ));
    }
    if steps > MOST_STEPS {
        return Err(ConditionError::whole(
            &source.source,
            format!("it could take {steps} steps for a large event, more than {MOST_STEPS}"),
            "look for less within `exists` and `all`; typed keys such as `labels` cost next to nothing",
        ));
    }
    Ok(Found { patterns: pass.patterns, fields: pass.fields })
}

/// What a part comes to, and the most that evaluating it takes.
struct Part {
    kind: Kind,
    steps: Steps,
}

impl Part {
    fn new(kind: Kind, steps: Steps) -> Self {
        Self { kind, steps }
    }
}

/// A name that a loop brings along: its variable, or what it has come to so far.
struct Bound {
    name: String,
    kind: Kind,
}

struct Pass<'a> {
    source: &'a SourceInfo,
    patterns: Vec<Pattern>,
    fields: Vec<&'static Field>,
    loops: Vec<Bound>,
    parts: usize,
}

impl Pass<'_> {
    fn part(&mut self, node: &mut IdedExpr, depth: usize) -> Result<Part, ConditionError> {
        self.parts += 1;
        if depth > DEEPEST || self.parts > MOST_PARTS {
            return Err(ConditionError::whole(
                &self.source.source,
                "the condition is too large",
                "compare with a list, `event.label in ['a', 'b']`, or split the automation",
            ));
        }
        let span = self.place(node);
        let refused = |what: &str, remedy: &str| Err(ConditionError::at(span.clone(), what, remedy));
        match &mut node.expr {
            Expr::Literal(LiteralValue::Boolean(_)) => Ok(Part::new(Kind::Flag, 1)),
            Expr::Literal(LiteralValue::Int(_)) => Ok(Part::new(Kind::Number, 1)),
            Expr::Literal(LiteralValue::String(text)) => Ok(Part::new(Kind::text(text.len() as u64), 1)),
            Expr::Literal(LiteralValue::UInt(_) | LiteralValue::Double(_)) => {
                refused("numbers are whole here, and without a suffix", "write `5`")
            }
            Expr::Literal(LiteralValue::Null) => refused(
                "nothing is ever `null`",
                "what an event does not have is `''`, 0, false or `[]`; ask `has(…)`",
            ),
            Expr::Literal(LiteralValue::Bytes(_)) => refused("bytes have no use here", "write a text, `'…'`"),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                refused("maps have no use here", "compare fields with texts, numbers and lists")
            }
            Expr::List(list) => self.list(list, depth),
            Expr::Ident(_) | Expr::Select(_) => self.name(node, depth),
            Expr::Call(_) => self.call(node, depth),
            Expr::Comprehension(comprehension) => {
                let span = self.place_of_loop(span, comprehension);
                self.comprehension(comprehension, span, depth)
            }
        }
    }

    /// A part that has to be true or false.
    fn flag(&mut self, node: &mut IdedExpr, depth: usize) -> Result<Steps, ConditionError> {
        let part = self.part(node, depth)?;
        if part.kind == Kind::Flag {
            return Ok(part.steps);
        }
        let message = format!("a condition has to stand here, and this is {}", part.kind);
        let remedy = match &part.kind {
            Kind::Text { .. } => "compare it: `… == 'text'`, or ask `has(…)`",
            Kind::Number => "compare it: `… > 0`",
            Kind::List { .. } => "ask `has(…)`, `'x' in …` or `….exists(x, …)`",
            _ => "ask `has(…)`, or compare one of its fields",
        };
        Err(ConditionError::at(self.place(node), message, remedy))
    }

    fn list(&mut self, list: &mut ListExpr, depth: usize) -> Result<Part, ConditionError> {
        let most = list.elements.len() as u64;
        let mut of: Option<Kind> = None;
        let mut steps = 1;
        for element in &mut list.elements {
            let part = self.part(element, depth + 1)?;
            steps += part.steps;
            let kind = part.kind.plural();
            of = match of.take() {
                None => Some(part.kind),
                Some(others) => {
                    let message = format!("a list holds {} or {kind}, not both", others.plural());
                    let joined = others.either(part.kind);
                    let mixed = || ConditionError::at(self.place(element), message, "write two lists");
                    Some(joined.ok_or_else(mixed)?)
                }
            };
        }
        Ok(Part::new(Kind::List { of: of.map(Box::new), most }, steps))
    }
}
