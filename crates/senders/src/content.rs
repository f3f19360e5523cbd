//! How a body is written, and the JSON inside it.
//!
//! A request whose content type is not exactly what the sender uses is refused before its body is
//! read: reading the same bytes in two ways is how webhook handlers have been taken over.

use std::borrow::Cow;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};

use crate::error::{MalformedForm, UnsupportedContent};

/// The ways a body may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/json`: the body is the JSON.
    Json,
    /// `application/x-www-form-urlencoded`: the JSON is the field `payload`.
    Form,
}

impl BodyFormat {
    /// The `Content-Type` that says so.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }

    /// Reads a `Content-Type` value.
    ///
    /// # Errors
    /// When it is neither JSON nor a form, or not in UTF-8.
    pub fn from_content_type(value: &str) -> Result<Self, UnsupportedContent> {
        let mut parts = value.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            _ => return Err(UnsupportedContent::Type),
        };
        for parameter in parts {
            if let Some((name, charset)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("charset")
                && !charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            {
                return Err(UnsupportedContent::Charset);
            }
        }
        Ok(format)
    }
}

pub(crate) fn check(headers: &HeaderMap, accepted: &[BodyFormat]) -> Result<BodyFormat, UnsupportedContent> {
    match only(headers, &CONTENT_ENCODING) {
        Only::Absent => {}
        Only::Value(encoding) if encoding.eq_ignore_ascii_case("identity") => {}
        Only::Value(_) | Only::Unclear => return Err(UnsupportedContent::Encoding),
    }
    let Only::Value(content_type) = only(headers, &CONTENT_TYPE) else {
        return Err(UnsupportedContent::NotOneType);
    };
    let format = BodyFormat::from_content_type(content_type)?;
    if accepted.contains(&format) { Ok(format) } else { Err(UnsupportedContent::Type) }
}

enum Only<'a> {
    Absent,
    Value(&'a str),
    Unclear,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Absent,
        (Some(value), None) => value.to_str().map_or(Only::Unclear, |text| Only::Value(text.trim())),
        (Some(_), Some(_)) => Only::Unclear,
    }
}

pub(crate) fn json_of(format: BodyFormat, raw: &[u8]) -> Result<Cow<'_, [u8]>, MalformedForm> {
    match format {
        BodyFormat::Json => Ok(Cow::Borrowed(raw)),
        BodyFormat::Form => payload_field(raw).map(Cow::Owned),
    }
}

/// The one field `payload` of a form.
fn payload_field(form: &[u8]) -> Result<Vec<u8>, MalformedForm> {
    let mut payload = None;
    for field in fields(form) {
        let (name, value) = field?;
        if name == b"payload" && payload.replace(value).is_some() {
            return Err(MalformedForm::NotOnePayload);
        }
    }
    payload.ok_or(MalformedForm::NotOnePayload)
}

/// A field's name and value.
type Field = (Vec<u8>, Vec<u8>);

/// The fields of a form (WHATWG URL, application/x-www-form-urlencoded parsing).
pub(crate) fn fields(form: &[u8]) -> impl Iterator<Item = Result<Field, MalformedForm>> {
    form.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).map(|field| {
        let split = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        let (name, value) = field.split_at(split);
        Ok((unescape(name)?, unescape(value.strip_prefix(b"=").unwrap_or(value))?))
    })
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, MalformedForm> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (Some(high), Some(low)) = (rest.next(), rest.next()) else {
                    return Err(MalformedForm::Escape);
                };
                let mut decoded = [0];
                hex::decode_to_slice([*high, *low], &mut decoded).map_err(|_| MalformedForm::Escape)?;
                decoded[0]
            }
            other => *other,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        let table = [
            ("application/json", Ok(BodyFormat::Json)),
            ("Application/JSON; charset=UTF-8", Ok(BodyFormat::Json)),
            ("application/json;charset=\"utf-8\"", Ok(BodyFormat::Json)),
            ("application/x-www-form-urlencoded", Ok(BodyFormat::Form)),
            ("application/json; charset=utf-16", Err(UnsupportedContent::Charset)),
            ("text/plain", Err(UnsupportedContent::Type)),
            ("multipart/form-data; boundary=x", Err(UnsupportedContent::Type)),
            ("application/json, text/plain", Err(UnsupportedContent::Type)),
            ("", Err(UnsupportedContent::Type)),
        ];
        for (value, expected) in table {
            assert_eq!(BodyFormat::from_content_type(value), expected, "{value}");
        }
    }

    #[test]
    fn forms() {
        let table: [(&str, Result<&str, MalformedForm>); 8] = [
            ("payload=%7B%22yo%22%3Atrue%7D", Ok("{\"yo\":true}")),
            ("payload=%7b%7d", Ok("{}")),
            ("a=1&payload=x+y&b", Ok("x y")),
            ("payload=", Ok("")),
            ("payload=1&payload=2", Err(MalformedForm::NotOnePayload)),
            ("pay=1", Err(MalformedForm::NotOnePayload)),
            ("payload=%7", Err(MalformedForm::Escape)),
            ("payload=%zz", Err(MalformedForm::Escape)),
        ];
        for (form, expected) in table {
            let got = json_of(BodyFormat::Form, form.as_bytes());
            assert_eq!(got.as_deref(), expected.as_ref().map(|text| text.as_bytes()), "{form}");
        }
    }
}
