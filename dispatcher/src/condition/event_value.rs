//! The event as conditions see it: read where one asks, nothing of it copied twice.

use std::sync::OnceLock;

use cel::common::types::{CelBool, CelInt, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use schemas::Event;

use super::fields::{self, Field, LIST, Read, Texts};
use super::language::Pattern;

/// An event for conditions; one serves all conditions that look at it.
#[derive(Debug)]
pub struct EventValue<'e> {
    event: &'e Event,
    labels: OnceLock<CelList<'e>>,
    added_labels: OnceLock<CelList<'e>>,
}

impl<'e> EventValue<'e> {
    /// The event; nothing is read of it yet.
    #[must_use]
    pub fn new(event: &'e Event) -> Self {
        Self { event, labels: OnceLock::new(), added_labels: OnceLock::new() }
    }

    fn value(&self, field: &Field) -> Option<CowVal<'_, '_>> {
        Some(match &field.read {
            Read::Body(_) | Read::Text(_) | Read::Word(..) => {
                CowVal::owned(CelString::from(field.text(self.event)?))
            }
            Read::Texts(texts) => CowVal::Borrowed(self.list(*texts)?),
            Read::Number(read) => CowVal::owned(CelInt::from(read(self.event))),
            Read::Flag(read) => CowVal::owned(CelBool::from(read(self.event))),
            Read::Part(_) => return None,
        })
    }

    /// A list, unless it is longer than conditions may look at.
    fn list(&self, texts: Texts) -> Option<&CelList<'e>> {
        let elements = texts.of(self.event);
        let place = match texts {
            Texts::Labels => &self.labels,
            Texts::AddedLabels => &self.added_labels,
        };
        (elements.len() <= LIST).then(|| {
            place.get_or_init(|| {
                let value = |text| Box::new(CelString::from(fields::element(text))) as Box<dyn Val + 'e>;
                CelList::from(elements.iter().map(value).collect::<Vec<_>>())
            })
        })
    }

    /// Why a field has no value, where its list is too long.
    pub(super) fn overlong(&self, field: &Field) -> Option<String> {
        let Read::Texts(texts) = field.read else { return None };
        let elements = texts.of(self.event).len();
        (elements > LIST).then(|| {
            format!("`{}` has {elements} elements, and a condition looks at {LIST} at the most", field.name)
        })
    }

    /// Whether a field has more than nothing.
    fn has(&self, field: &Field) -> bool {
        match &field.read {
            Read::Body(read) | Read::Text(read) | Read::Word(read, _) => !read(self.event).is_empty(),
            Read::Texts(texts) => !texts.of(self.event).is_empty(),
            Read::Number(read) => read(self.event) != 0,
            Read::Flag(read) | Read::Part(read) => read(self.event),
        }
    }

    /// A field's value for people.
    pub(super) fn shown(&self, field: &Field) -> String {
        match &field.read {
            Read::Body(_) | Read::Text(_) | Read::Word(..) => {
                format!("'{}'", field.text(self.event).unwrap_or_default())
            }
            Read::Texts(texts) => {
                let quoted = texts.of(self.event).iter().map(|text| format!("'{}'", fields::element(text)));
                format!("[{}]", quoted.take(LIST).collect::<Vec<_>>().join(", "))
            }
            Read::Number(read) => read(self.event).to_string(),
            Read::Flag(read) => read(self.event).to_string(),
            Read::Part(read) => if read(self.event) { "there" } else { "not there" }.to_owned(),
        }
    }
}

/// Answers the names in one condition: fields, and what [`super::check`] put for `has()` and patterns.
pub(super) struct Reader<'a, 'e> {
    pub(super) event: &'a EventValue<'e>,
    pub(super) patterns: &'a [Pattern],
}

/// The name that stands for `has(FIELD)`; nobody can write it.
pub(super) fn name_of_has(field: &str) -> String {
    format!("@has {field}")
}

/// The name that stands for a compiled pattern; nobody can write it.
pub(super) fn name_of_pattern(number: usize) -> String {
    format!("@pattern {number}")
}

impl VariableResolver for Reader<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(field) = name.strip_prefix("@has ") {
            return Some(CowVal::owned(CelBool::from(self.event.has(fields::field(field)?))));
        }
        if let Some(number) = name.strip_prefix("@pattern ") {
            return Some(CowVal::Borrowed(self.patterns.get(number.parse::<usize>().ok()?)?));
        }
        self.event.value(fields::field(name)?)
    }
}
