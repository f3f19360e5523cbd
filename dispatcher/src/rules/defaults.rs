//! A file's `defaults` under each of its automations: maps merge, lists replace.

use schemas::automation::{Automation, Defaults};
use serde_json::Value;

/// What the automation says is laid over what the file says of all.
pub(super) fn with_defaults(
    automation: &Automation,
    defaults: &Defaults,
) -> Result<Automation, serde_json::Error> {
    let mut merged = serde_json::to_value(defaults)?;
    lay_over(&mut merged, serde_json::to_value(automation)?);
    serde_json::from_value(merged)
}

fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}
