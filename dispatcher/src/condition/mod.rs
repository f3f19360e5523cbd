//! `if:` a condition in CEL over the event, checked when it is loaded and bounded in what it can cost.
//!
//! CEL's evaluator has no budget of its own and fails where kinds of values do not fit. So a condition
//! is taken only when a pass over its syntax tree shows that neither can happen: `check` knows the
//! kind of every part, and the most that evaluating it can take.

mod check;
mod error;
mod event_value;
mod fields;
mod kind;
mod language;
mod parse;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use cel::common::types::CelBool;
use cel::{Context, IdedExpr, Value};

pub use error::ConditionError;
pub use event_value::EventValue;

use event_value::Reader;
use fields::Field;
use language::Pattern;

/// The parser calls itself deeply: what it needs for the longest text, in a debug build too.
const PARSER_STACK: usize = 32 << 20;
/// Letters of one value in a decision.
const SHOWN: usize = 120;

/// A checked condition.
#[derive(Debug)]
pub struct Condition {
    text: String,
    tree: IdedExpr,
    patterns: Vec<Pattern>,
    /// The fields it looks at, in their order in the text.
    fields: Vec<&'static Field>,
}

impl Condition {
    /// Parses and checks a condition.
    ///
    /// # Errors
    /// When it is no CEL, names what an event does not have, joins values that do not fit, is no
    /// condition, or could take too long.
    pub fn compile(text: &str) -> Result<Self, ConditionError> {
        parse::bounds(text)?;
        let compiled = thread::scope(|scope| {
            thread::Builder::new()
                .stack_size(PARSER_STACK)
                .spawn_scoped(scope, || {
                    let (mut tree, source) = parse::tree(text)?;
                    let check::Found { patterns, fields } = check::condition(&mut tree, &source)?;
                    Ok(Self { text: text.to_owned(), tree, patterns, fields })
                })
                .map(|parser| parser.join())
        });
        match compiled {
            Ok(Ok(compiled)) => compiled,
            Ok(Err(_)) => Err(ConditionError::whole(text, "the parser failed on it", "write it another way")),
            Err(error) => {
                let message = format!("there is no memory to parse it: {error}");
                Err(ConditionError::whole(text, message, "try again"))
            }
        }
    }

    /// Whether it holds for an event.
    ///
    /// # Errors
    /// A sentence, where it cannot be told; that is neither yes nor no.
    pub fn holds(&self, event: &EventValue<'_>) -> Result<bool, String> {
        let environment = language::environment()?;
        let reader = Reader { event, patterns: &self.patterns };
        // The evaluator is not ours: its panic must not cost the rest of a batch its decisions.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context::with_env(environment);
            context.set_variable_resolver(&reader);
            let value = Value::resolve_val(&self.tree, &context)?;
            Ok(value.downcast_ref::<CelBool>().map(|flag| *flag.inner()))
        }));
        match outcome {
            Ok(Ok(Some(holds))) => Ok(holds),
            Ok(Ok(None)) => Err("it came to something that is neither true nor false".to_owned()),
            Ok(Err(error)) => {
                let overlong = self.fields.iter().find_map(|field| event.overlong(field));
                Err(overlong.unwrap_or_else(|| error::sentence(&error)))
            }
            Err(_) => Err("its evaluation broke off".to_owned()),
        }
    }

    /// The condition as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What an event has in the fields that it looks at, for a decision: `event.label = 'bug'`.
    #[must_use]
    pub fn saw(&self, event: &EventValue<'_>) -> String {
        let values = self.fields.iter().map(|field| {
            let shown = event.shown(field);
            let cut: String = shown.chars().take(SHOWN).collect();
            let more = if cut.len() < shown.len() { " …" } else { "" };
            format!("{} = {cut}{more}", field.name)
        });
        values.collect::<Vec<_>>().join(", ")
    }
}
