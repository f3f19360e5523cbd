//! What conditions can call: CEL's own functions, `lower()`, and patterns that are compiled at load.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};
use regex::Regex;

use super::kind::Kind;

/// What evaluating takes, in steps of about a fifth of a microsecond.
pub(super) type Steps = u64;

/// A function that is called on a value: `event.label.startsWith('x')`.
pub(super) struct Method {
    pub(super) name: &'static str,
    /// Whether it takes a text, besides the one it is called on.
    pub(super) argument: bool,
    pub(super) result: fn(&Kind) -> Kind,
    /// Bytes of the text that one step is enough for.
    pub(super) bytes_a_step: u64,
}

/// What can be called on a text; `matches` takes a pattern and `size` lists too, see `check::calls`.
pub(super) const METHODS: [Method; 5] = [
    Method { name: "contains", argument: true, result: |_| Kind::Flag, bytes_a_step: 128 },
    Method { name: "startsWith", argument: true, result: |_| Kind::Flag, bytes_a_step: 1024 },
    Method { name: "endsWith", argument: true, result: |_| Kind::Flag, bytes_a_step: 1024 },
    Method { name: MATCHES, argument: true, result: |_| Kind::Flag, bytes_a_step: 16 },
    Method { name: "lower", argument: false, result: lowered, bytes_a_step: 16 },
];
/// Searches a text for a pattern.
pub(super) const MATCHES: &str = "matches";

/// A letter can need more bytes in lower case, three for two at the worst.
fn lowered(text: &Kind) -> Kind {
    Kind::text(text.bytes().saturating_mul(2))
}

/// The environment that conditions are evaluated in.
pub(super) fn environment() -> Result<Arc<Env>, String> {
    static ENVIRONMENT: LazyLock<Result<Arc<Env>, String>> = LazyLock::new(|| {
        let mut env = Env::stdlib();
        let added =
            env.add_member_overload("lower", "string_lower", STRING_TYPE, Vec::new(), lower).and_then(|()| {
                env.add_member_overload(MATCHES, "string_pattern", STRING_TYPE, vec![PATTERN], matches)
            });
        added.map(|()| Arc::new(env)).map_err(|error| error.to_string())
    });
    ENVIRONMENT.clone()
}

static PATTERN_TYPE: Type = PATTERN;
const PATTERN: Type = Type::new_unspecified_type("pattern");

/// A compiled pattern as a value.
#[derive(Debug)]
pub(super) struct Pattern(pub(super) Regex);

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(Self(self.0.clone()))
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

fn lower<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = arguments.first().and_then(|text| text.downcast_ref::<CelString>());
    let text = text.ok_or_else(ExecutionError::missing_argument_or_target)?;
    Ok(CowVal::owned(CelString::from(text.to_lowercase())))
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, pattern] = arguments.as_slice() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let text = text.downcast_ref::<CelString>();
    let pattern = pattern.downcast_ref::<Pattern>();
    let (Some(text), Some(pattern)) = (text, pattern) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner()))))
}
