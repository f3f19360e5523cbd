//! Names: a loop's variables, and fields of the event by their full path.

use cel::IdedExpr;
use cel::common::ast::Expr;

use super::super::error::ConditionError;
use super::super::event_value::name_of_has;
use super::super::fields::{self, Field};
use super::super::kind::Kind;
use super::{Part, Pass};

impl Pass<'_> {
    /// A name, a field, or `has(FIELD)`.
    pub(super) fn name(&mut self, node: &mut IdedExpr, depth: usize) -> Result<Part, ConditionError> {
        if let Expr::Ident(name) = &node.expr
            && let Some(bound) = self.bound(name)
        {
            return Ok(Part::new(bound.clone(), 1));
        }
        if let Some(path) = path(node).filter(|path| self.bound(root(path)).is_none()) {
            let field = self.field(&path, node)?;
            if let Expr::Select(select) = &node.expr
                && select.test
            {
                node.expr = Expr::Ident(name_of_has(&path));
                return Ok(Part::new(Kind::Flag, 1));
            }
            return Ok(Part::new(field.kind(), 1));
        }
        let place = self.place(node);
        let Expr::Select(select) = &mut node.expr else {
            return Err(ConditionError::at(place, "it cannot be read", "name a field of `event`"));
        };
        let kind = self.part(&mut select.operand, depth + 1)?.kind;
        let message = format!("{kind} has no `{}`", select.field);
        Err(ConditionError::at(place, message, "only `event` and its parts have fields"))
    }

    fn bound(&self, name: &str) -> Option<&Kind> {
        self.loops.iter().rev().find(|bound| bound.name == name).map(|bound| &bound.kind)
    }

    fn field(&mut self, path: &str, node: &IdedExpr) -> Result<&'static Field, ConditionError> {
        let Some(field) = fields::field(path) else {
            let (message, remedy) = unknown(path);
            return Err(ConditionError::at(self.place(node), message, remedy));
        };
        if !self.fields.iter().any(|known| known.name == field.name) {
            self.fields.push(field);
        }
        Ok(field)
    }
}

/// The full name that a chain of fields spells: `event.item.key`.
fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}

fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// What is wrong with a name, from its first part that nothing has.
fn unknown(path: &str) -> (String, String) {
    let mut known = String::new();
    for part in path.split('.') {
        let next = if known.is_empty() { part.to_owned() } else { format!("{known}.{part}") };
        if fields::field(&next).is_some() {
            known = next;
            continue;
        }
        if known.is_empty() {
            let meant = format!("event.{path}");
            let remedy = match config::yaml::closest(part, ["event", "true", "false"].into_iter()) {
                _ if fields::field(&meant).is_some() => format!("did you mean `{meant}`?"),
                Some(word) => format!("did you mean `{word}`?"),
                None => "fields begin with `event.`; a text stands in quotes".to_owned(),
            };
            return (format!("there is no `{part}`"), remedy);
        }
        let fields: Vec<&str> = fields::below(&known).collect();
        let remedy = match config::yaml::closest(part, fields.iter().copied()) {
            Some(word) => format!("did you mean `{known}.{word}`?"),
            None if fields.is_empty() => "it has no fields of its own".to_owned(),
            None => format!("it has {}", fields.join(", ")),
        };
        return (format!("`{known}` has no `{part}`"), remedy);
    }
    (format!("there is no `{path}`"), "name a field of `event`".to_owned())
}
