//! `if`, asked after all keys that cost less and before anything that a forge is asked for.

use schemas::Event;

use super::stop::Stop;
use crate::condition::EventValue;
use crate::rules::Rule;

pub(super) fn holds(rule: &Rule, event: &Event) -> Result<(), Stop> {
    let Some(condition) = &rule.condition else { return Ok(()) };
    let event = EventValue::new(event);
    match condition.holds(&event) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Stop::fails("if", condition.text(), condition.saw(&event))),
        Err(sentence) => Err(Stop::error(format!("`if`: {sentence}"))),
    }
}
