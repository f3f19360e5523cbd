//! The format as a JSON Schema, for editors and for whoever writes automations by a program.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::{AutomationFile, OneOrMany, Span, Usd};
use crate::event::{EventType, SourceKind};
use crate::id::{AutomationName, ConnectionName, RepoRef};

/// The schema of a file of automations, as `schemas/json/automations.schema.json` holds it. It is
/// written in draft 7, which editors understand best.
#[must_use]
pub fn json_schema() -> String {
    let generator = SchemaSettings::draft07().with_transform(WithoutNull).into_generator();
    let schema = generator.into_root_schema_for::<AutomationFile>();
    format!("{:#}\n", schema.to_value())
}

/// A key is left out where it is not wanted; nobody should be offered `null` for it.
#[derive(Debug, Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        let is_null = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("null");
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| !is_null(choice));
            if choices.len() == 1 {
                let only = schema.remove("anyOf");
                schema.insert("allOf".to_owned(), only.unwrap_or_default());
            }
        }
        // What is left out has no value; `null` and an empty list would say nothing else.
        schema.remove("default");
        transform_subschemas(self, schema);
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// Texts with a form of their own: name, description, pattern.
macro_rules! text_schema {
    ($($kind:ident: $pattern:literal),+ $(,)?) => {
        $(impl JsonSchema for $kind {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($kind).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        })+
    };
}

text_schema! {
    AutomationName: "^[a-z0-9][a-z0-9-]{0,63}$",
    ConnectionName: "^[^/\\s]+$",
    RepoRef: "^[^/\\s]+/[^/\\s]+(/[^/\\s]+)+$",
    Span: "^[0-9]+[smhd]$",
}

impl JsonSchema for Usd {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Usd".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1_000_000 })
    }
}

impl JsonSchema for EventType {
    fn schema_name() -> Cow<'static, str> {
        "EventType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let own = [Self::ScheduleFired, Self::ManualRequested].map(|event| event.to_string());
        let names: Vec<&str> =
            Self::NAMES.iter().copied().filter(|name| !own.iter().any(|own| own == name)).collect();
        json_schema!({
            "description": "What happened: ours, or the sender's own name of something that we have no word for.",
            "anyOf": [
                { "type": "string", "enum": names },
                { "type": "string", "pattern": "^unmapped\\.[^.]+\\..+$" },
            ],
        })
    }
}

impl JsonSchema for SourceKind {
    fn schema_name() -> Cow<'static, str> {
        "SourceKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Self::TOOLS.map(Self::as_str);
        json_schema!({ "description": "The kind of tool that events come from.", "type": "string", "enum": names })
    }
}
