//! References to secrets, one or several. The configuration holds no secret itself.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::env::Env;
use crate::yaml::{Place, Placed, Sources, YamlError, refusal, refusal_of_secret};

/// No secret file is larger: 64 KiB.
const LARGEST_FILE: u64 = 64 << 10;

/// Where a secret is: `${env:NAME}` or `${file:/path}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    from: From,
    place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Variable(String),
    File(PathBuf),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            From::Variable(name) => write!(f, "${{env:{name}}}"),
            From::File(path) => write!(f, "${{file:{}}}", path.display()),
        }
    }
}

impl SecretRef {
    pub(crate) fn parse<E: de::Error>(text: &str) -> Result<Self, E> {
        let inside = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let from = match inside.and_then(|inside| inside.split_once(':')) {
            Some(("env", name)) if is_variable(name) => From::Variable(name.to_owned()),
            Some(("env", name)) => {
                return Err(refusal(
                    format!("`{name}` is no name of a variable"),
                    "use letters, digits and `_`, such as ${env:GITHUB_WEBHOOK_SECRET}",
                ));
            }
            Some(("file", path)) if Path::new(path).is_absolute() => From::File(PathBuf::from(path)),
            Some(("file", _)) => {
                return Err(refusal(
                    "the file of a secret needs a full path",
                    "start it with `/`, such as ${file:/run/secrets/github}",
                ));
            }
            _ => {
                return Err(refusal_of_secret(
                    "a secret belongs elsewhere: only a reference to it is possible here",
                    "write a reference, ${env:NAME} or ${file:/path}; \
                     if this was a real secret, replace it where it was issued",
                ));
            }
        };
        Ok(Self { from, place: None })
    }

    pub(crate) fn placed(placed: &Placed<Self>) -> Self {
        Self { place: placed.place, ..placed.value.clone() }
    }

    /// Whether the secret is within reach of this process.
    pub(crate) fn is_present(&self, env: &dyn Env) -> bool {
        match &self.from {
            From::Variable(name) => env.get(name).is_some_and(|value| !value.is_empty()),
            From::File(path) => std::fs::File::open(path).is_ok(),
        }
    }

    /// The secret. The error names the reference and its place, never a value.
    pub(crate) fn resolve(
        &self,
        what: &str,
        env: &dyn Env,
        sources: &Sources,
    ) -> Result<SecretString, Box<YamlError>> {
        let fail = |wrong: String, help: String| sources.error_at(self.place, wrong).with_help(help).boxed();
        let value = match &self.from {
            From::Variable(name) => env.get(name).ok_or_else(|| {
                fail(
                    format!("{what} is missing: the variable {name} is not set"),
                    format!("set {name} and start again"),
                )
            })?,
            From::File(path) => read(path).map_err(|error| {
                let path = path.display();
                fail(
                    format!("{what} is missing: {path} cannot be read ({error})"),
                    format!("create {path}, readable for this account alone"),
                )
            })?,
        };
        let value = value.trim_end_matches(['\n', '\r']);
        if value.trim().is_empty() {
            return Err(fail(
                format!("{what} is empty: {self} holds nothing"),
                format!("put the secret into {self}"),
            ));
        }
        Ok(SecretString::from(value.to_owned()))
    }

    pub(crate) fn error(&self, sources: &Sources, message: impl fmt::Display) -> YamlError {
        sources.error_at(self.place, message)
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other("it is larger than any secret, 64 KiB"));
    }
    Ok(text)
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reference;
        impl Visitor<'_> for Reference {
            type Value = SecretRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference such as ${env:NAME}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretRef, E> {
                SecretRef::parse(text)
            }
        }
        deserializer.deserialize_str(Reference)
    }
}

/// One reference, or a list of them; never empty.
#[derive(Debug)]
pub(crate) struct SecretList(Vec<Placed<SecretRef>>);

impl SecretList {
    /// The references.
    pub(crate) fn references(&self) -> Vec<SecretRef> {
        self.0.iter().map(SecretRef::placed).collect()
    }

    /// Where the first one stands.
    pub(crate) fn place(&self) -> Option<Place> {
        self.0.first().and_then(|secret| secret.place)
    }
}

impl<'de> Deserialize<'de> for SecretList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Vec<Placed<SecretRef>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference such as ${env:NAME}, or a list of them")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![Placed { value: SecretRef::parse(text)?, place: None }])
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = list.next_element()? {
                    secrets.push(secret);
                }
                if secrets.is_empty() {
                    return Err(refusal("no secret is listed", "add one, such as ${env:NAME}"));
                }
                Ok(secrets)
            }
        }
        struct Parsed(Vec<Placed<SecretRef>>);
        impl<'de> Deserialize<'de> for Parsed {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(OneOrMany).map(Parsed)
            }
        }
        let Placed { value: Parsed(mut secrets), place } = Placed::deserialize(deserializer)?;
        for secret in &mut secrets {
            secret.place = secret.place.or(place);
        }
        Ok(Self(secrets))
    }
}
