//! What is wrong with a condition, at load and at evaluation.

use std::ops::Range;

use cel::ExecutionError;

/// What is wrong with a condition, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// Where it begins, in bytes.
    pub offset: usize,
    /// How long it is, in bytes; 0 at the end of the text.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl ConditionError {
    pub(super) fn at(span: Range<usize>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { offset: span.start, len: span.len(), message: message.into(), remedy: remedy.into() }
    }

    pub(super) fn whole(text: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::at(0..text.len(), message, remedy)
    }
}

/// Why an evaluation came to nothing, without a word that others wrote.
pub(super) fn sentence(error: &ExecutionError) -> String {
    match error {
        ExecutionError::IndexOutOfBounds(_) => "it asks for an element beyond the end of a list".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number in it grows too large".to_owned(),
        ExecutionError::FunctionError { function, .. } => {
            format!("`{function}()` can make nothing of what the event has")
        }
        _ => "it cannot be evaluated for this event".to_owned(),
    }
}
