//! Slack's three kinds of body as one: JSON.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::content::{self, BodyFormat};
use crate::error::MalformedForm;

/// A slash command has some fifteen (docs.slack.dev, "Slash commands").
const MOST_FIELDS: usize = 100;

/// The body itself, the field `payload` of an interaction, or the fields of a slash command.
pub(crate) fn json_of(format: BodyFormat, raw: &[u8]) -> Result<Cow<'_, [u8]>, MalformedForm> {
    if format == BodyFormat::Json {
        return Ok(Cow::Borrowed(raw));
    }
    let mut fields = Map::new();
    for field in content::fields(raw) {
        let (name, value) = field?;
        if fields.len() == MOST_FIELDS {
            return Err(MalformedForm::TooManyFields);
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if fields.insert(text(name), Value::String(text(value))).is_some() {
            return Err(MalformedForm::Doubled);
        }
    }
    match fields.remove("payload") {
        Some(Value::String(payload)) if fields.is_empty() => Ok(Cow::Owned(payload.into_bytes())),
        Some(_) => Err(MalformedForm::NotOnePayload),
        None => Ok(Cow::Owned(Value::Object(fields).to_string().into_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let table: [(&str, Result<&str, MalformedForm>); 7] = [
            ("payload=%7B%22type%22%3A1%7D", Ok("{\"type\":1}")),
            ("command=%2Ffix&text=a+b", Ok("{\"command\":\"/fix\",\"text\":\"a b\"}")),
            ("text=%FF", Ok("{\"text\":\"\u{fffd}\"}")),
            ("command=1&command=2", Err(MalformedForm::Doubled)),
            ("payload=1&payload=2", Err(MalformedForm::Doubled)),
            ("payload=1&command=%2Ffix", Err(MalformedForm::NotOnePayload)),
            ("text=%F", Err(MalformedForm::Escape)),
        ];
        for (form, expected) in table {
            let got = json_of(BodyFormat::Form, form.as_bytes());
            assert_eq!(got.as_deref(), expected.as_ref().map(|text| text.as_bytes()), "{form}");
        }
    }
}
