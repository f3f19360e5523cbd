//! Calls: operators, functions of texts and lists, and patterns.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use regex::RegexBuilder;

use super::super::error::ConditionError;
use super::super::event_value::name_of_pattern;
use super::super::kind::Kind;
use super::super::language::{MATCHES, METHODS, Method, Pattern};
use super::{Part, Pass};

/// Bytes of a compiled pattern.
const PATTERN: usize = 256 * 1024;
/// Every function, as messages name them.
const FUNCTIONS: [&str; 13] = [
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "lower",
    "size",
    "int",
    "string",
    "exists",
    "all",
    "exists_one",
    "filter",
    "map",
];
const LOOPS: [&str; 5] = ["exists", "all", "exists_one", "filter", "map"];

impl Pass<'_> {
    pub(super) fn call(&mut self, node: &mut IdedExpr, depth: usize) -> Result<Part, ConditionError> {
        let place = self.place(node);
        let Expr::Call(call) = &mut node.expr else {
            return Err(ConditionError::at(place, "it cannot be read", "write it in CEL"));
        };
        let CallExpr { func_name: name, target, args } = call;
        let name = name.as_str();
        let wrong = |message: String, remedy: &str| Err(ConditionError::at(place.clone(), message, remedy));
        match (target, args.as_mut_slice()) {
            (None, arguments) if !name.starts_with(char::is_alphabetic) => {
                match self.operator(name, arguments, depth) {
                    Some(part) => part,
                    None => wrong(format!("`{name}` is not known"), "see the operators in the documentation"),
                }
            }
            (Some(value), []) if name == "size" => self.size(value, depth),
            (None, [value]) if name == "size" => self.size(value, depth),
            (None, [value]) if name == "int" || name == "string" => self.conversion(name, value, depth),
            (Some(value), arguments) => match METHODS.iter().find(|method| method.name == name) {
                Some(method) => self.method(method, value, arguments, place, depth),
                None if LOOPS.contains(&name) => wrong(
                    format!("`{name}` takes a name and a condition"),
                    "for example `event.labels.exists(l, l == 'bug')`",
                ),
                None => wrong(format!("there is no function `{name}`"), &suggestion(name)),
            },
            (None, _) if FUNCTIONS.contains(&name) => wrong(
                format!("`{name}` is called on a value"),
                "for example `event.label.startsWith('area/')`",
            ),
            (None, _) => wrong(format!("there is no function `{name}`"), &suggestion(name)),
        }
    }

    fn size(&mut self, value: &mut IdedExpr, depth: usize) -> Result<Part, ConditionError> {
        let part = self.part(value, depth + 1)?;
        match part.kind {
            Kind::Text { longest, .. } => Ok(Part::new(Kind::Number, part.steps + 1 + longest / 256)),
            Kind::List { .. } => Ok(Part::new(Kind::Number, part.steps + 1)),
            kind => {
                let message = format!("`size` is of a text or a list, and this is {kind}");
                Err(ConditionError::at(self.place(value), message, "for example `size(event.labels) > 1`"))
            }
        }
    }

    fn conversion(&mut self, name: &str, value: &mut IdedExpr, depth: usize) -> Result<Part, ConditionError> {
        let part = self.part(value, depth + 1)?;
        match (name, &part.kind) {
            ("int", Kind::Text { .. } | Kind::Number) => Ok(Part::new(Kind::Number, part.steps + 2)),
            ("string", Kind::Number | Kind::Flag) => Ok(Part::new(Kind::text(32), part.steps + 2)),
            ("string", Kind::Text { .. }) => Ok(part),
            (_, kind) => {
                let message = format!("`{name}` can make nothing of {kind}");
                Err(ConditionError::at(self.place(value), message, "for example `int(event.item.key) > 100`"))
            }
        }
    }

    fn method(
        &mut self,
        method: &Method,
        value: &mut IdedExpr,
        arguments: &mut [IdedExpr],
        place: std::ops::Range<usize>,
        depth: usize,
    ) -> Result<Part, ConditionError> {
        let name = method.name;
        let on = self.part(value, depth + 1)?;
        let Kind::Text { longest, .. } = on.kind else {
            let message = format!("`{name}` is asked of a text, and this is {}", on.kind);
            let remedy = match on.kind {
                Kind::List { .. } => "ask `'x' in list`, or of each: `list.exists(x, …)`",
                _ => "for example `event.label.startsWith('area/')`",
            };
            return Err(ConditionError::at(self.place(value), message, remedy));
        };
        let steps = on.steps + 1 + longest / method.bytes_a_step;
        match arguments {
            [] if !method.argument => Ok(Part::new((method.result)(&on.kind), steps)),
            [pattern] if name == MATCHES => {
                self.pattern(pattern)?;
                Ok(Part::new(Kind::Flag, steps))
            }
            [argument] if method.argument => {
                let part = self.part(argument, depth + 1)?;
                if !matches!(part.kind, Kind::Text { .. }) {
                    let message = format!("`{name}` takes a text, and this is {}", part.kind);
                    return Err(ConditionError::at(self.place(argument), message, "a text stands in quotes"));
                }
                Ok(Part::new((method.result)(&on.kind), steps + part.steps))
            }
            _ => {
                let takes = if method.argument { "one text" } else { "nothing" };
                Err(ConditionError::at(
                    place,
                    format!("`{name}` takes {takes}"),
                    "see the functions in the documentation",
                ))
            }
        }
    }

    /// Compiles a pattern, and puts a name for it in its place.
    fn pattern(&mut self, node: &mut IdedExpr) -> Result<(), ConditionError> {
        let place = self.place(node);
        let Expr::Literal(LiteralValue::String(text)) = &node.expr else {
            return Err(ConditionError::at(
                place,
                "`matches` takes a pattern in quotes",
                "for example `matches('^v[0-9]+')`",
            ));
        };
        let pattern = RegexBuilder::new(text.inner()).size_limit(PATTERN).build().map_err(|error| {
            let (message, remedy) = match error {
                regex::Error::CompiledTooBig(_) => ("the pattern is too large", "write a shorter one"),
                _ => (
                    "the pattern cannot be read",
                    "it is a regular expression; in YAML and CEL a `\\` is written `\\\\`",
                ),
            };
            ConditionError::at(place, message, remedy)
        })?;
        node.expr = Expr::Ident(name_of_pattern(self.patterns.len()));
        self.patterns.push(Pattern(pattern));
        Ok(())
    }
}

/// What was probably meant by a function that there is not.
fn suggestion(name: &str) -> String {
    let plain = name.replace('_', "").to_lowercase();
    let other = match plain.as_str() {
        "tolower" | "lowercase" | "tolowercase" | "lowerascii" | "downcase" => Some("lower"),
        "len" | "length" | "count" => Some("size"),
        "any" | "some" => Some("exists"),
        "includes" | "include" | "has" => Some("contains"),
        _ => FUNCTIONS.into_iter().find(|function| function.to_lowercase() == plain),
    };
    match other.or_else(|| config::yaml::closest(name, FUNCTIONS.into_iter())) {
        Some(function) => format!("did you mean `{function}`?"),
        None => format!("there are {}", FUNCTIONS.join(", ")),
    }
}
