//! Why deciding does not go on.

use schemas::automation::Permission;
use schemas::decision::Verdict;

use super::facts::{Answer, FactKey, Facts};

/// It is decided, or something has to be asked first.
pub(super) enum Stop {
    /// No run follows.
    Verdict(Verdict),
    /// These have to be answered.
    Needs(Vec<FactKey>),
}

impl Stop {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Verdict(Verdict::Error { message: message.into() })
    }

    pub(super) fn denied(actor: &str, because: impl Into<String>) -> Self {
        Self::Verdict(Verdict::Denied { actor: actor.to_owned(), because: because.into() })
    }

    pub(super) fn fails(clause: &str, wants: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Verdict(not_matched(clause, wants, value))
    }
}

/// A clause that does not hold.
pub(super) fn not_matched(clause: &str, wants: impl Into<String>, value: impl Into<String>) -> Verdict {
    let cut = |text: String| {
        if text.len() > 500 { text.chars().take(400).collect::<String>() + " …" } else { text }
    };
    Verdict::NotMatched { clause: clause.to_owned(), wants: cut(wants.into()), value: cut(value.into()) }
}

/// The answer to a question; `about` names it in the error of one that was not answered.
pub(super) fn known<'a>(facts: &'a Facts, question: FactKey, about: &str) -> Result<&'a Answer, Stop> {
    match facts.get(&question) {
        None => Err(Stop::Needs(vec![question])),
        Some(Ok(answer)) => Ok(answer),
        Some(Err(message)) => Err(Stop::error(format!("{about} could not be asked: {message}"))),
    }
}

/// The same for a question of yes or no.
pub(super) fn is(facts: &Facts, question: FactKey, about: &str) -> Result<bool, Stop> {
    match known(facts, question, about)? {
        Answer::Is(answer) => Ok(*answer),
        _ => Err(other_kind(about)),
    }
}

/// The same for what somebody may do.
pub(super) fn permission(facts: &Facts, question: FactKey, about: &str) -> Result<Permission, Stop> {
    match known(facts, question, about)? {
        Answer::Permission(permission) => Ok(*permission),
        _ => Err(other_kind(about)),
    }
}

/// A stored answer that does not answer its question.
pub(super) fn other_kind(about: &str) -> Stop {
    Stop::error(format!("{about}: the answer is of another kind"))
}
