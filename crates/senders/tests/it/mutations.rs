//! A genuine request, and everything somewhat like it: ten thousand mutations a scheme, none of
//! which is believed.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;
use senders::{BodyFormat, Sender};

use crate::requests::hub_signature;
use crate::schemes::{
    BITBUCKET, FORGEJO, GITEA, GITEA_FORM, JSON, LINEAR, SENTRY, SENTRY_COMPONENT, SLACK, Scheme,
};
use crate::world::{self, SECRET};

/// What of a request its proof proves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Covers {
    Body,
    /// The JSON in a form, however it is escaped.
    Payload,
    Nothing,
}

/// A request that passes.
pub struct Genuine {
    pub sender: Sender,
    /// The headers that prove it.
    pub proof: Vec<(&'static str, String)>,
    /// The same, made with another webhook's secret.
    pub by_another: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub now: DateTime<Utc>,
    pub content_type: &'static str,
    pub covers: Covers,
    /// Seconds from `now` that are too many: before, and after.
    pub window: Option<(i64, i64)>,
}

/// How to change a request.
#[derive(Debug, Clone)]
pub struct Mutation {
    kind: u8,
    header: Index,
    at: Index,
    byte: u8,
    seconds: i64,
}

pub fn mutation() -> impl Strategy<Value = Mutation> {
    (0u8..18, any::<Index>(), any::<Index>(), 1u8.., 0i64..2_000_000_000)
        .prop_map(|(kind, header, at, byte, seconds)| Mutation { kind, header, at, byte, seconds })
}

type Headers = Vec<(&'static str, Vec<u8>)>;

impl Genuine {
    /// What HTTP does not carry cannot be sent.
    fn map(&self, headers: &Headers) -> Option<HeaderMap> {
        let mut map = HeaderMap::new();
        map.append("content-type", HeaderValue::from_static(self.content_type));
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?);
        }
        Some(map)
    }

    pub fn passes(&self) -> bool {
        let headers: Headers =
            self.proof.iter().map(|(name, value)| (*name, value.clone().into_bytes())).collect();
        self.sender.verify(&self.map(&headers).unwrap(), &self.body, self.now).is_ok()
    }

    fn same_body(&self, body: &[u8]) -> bool {
        let payload = |body| self.sender.json_of(BodyFormat::Form, body).map(|json| json.into_owned());
        match self.covers {
            Covers::Body => body == self.body,
            Covers::Payload => body == self.body || payload(body) == payload(&self.body),
            Covers::Nothing => true,
        }
    }

    /// Whether a mutation of it passes; `None` when it changes nothing that could be sent.
    pub fn passes_after(&self, mutation: &Mutation) -> Option<bool> {
        let owned = |proof: &[(&'static str, String)]| -> Headers {
            proof.iter().map(|(name, value)| (*name, value.clone().into_bytes())).collect()
        };
        let original = owned(&self.proof);
        let (mut headers, mut body, mut now) = (original.clone(), self.body.clone(), self.now);
        let which = mutation.header.index(headers.len());
        let (at, byte) = (mutation.at, mutation.byte);
        let value = &mut headers[which].1;
        match mutation.kind {
            0 => body[at.index(self.body.len())] ^= 1 << (byte % 8),
            1 => drop(body.remove(at.index(self.body.len()))),
            2 => body.insert(at.index(self.body.len() + 1), byte),
            3 => body.truncate(at.index(self.body.len())),
            4 => value[at.index(original[which].1.len())] ^= 1 << (byte % 8),
            5 => drop(value.remove(at.index(value.len()))),
            6 => value.insert(at.index(value.len() + 1), byte),
            7 => value.truncate(at.index(value.len())),
            8 => value.make_ascii_uppercase(),
            9 => value.make_ascii_lowercase(),
            // One digit of another script.
            10 => {
                let digits: Vec<usize> = (0..value.len()).filter(|at| value[*at].is_ascii_digit()).collect();
                let place = *digits.get(at.index(digits.len().max(1)))?;
                let digit = char::from_u32(0x660 + u32::from(value[place] - b'0')).unwrap();
                value.splice(place..=place, digit.to_string().into_bytes());
            }
            // Another prefix before what there is.
            11 => {
                let prefixes: [&[u8]; 6] = [b"sha1=", b"sha512=", b"v2,", b"v1a,", b"v1=", b"Basic "];
                let start =
                    value.iter().position(|byte| matches!(byte, b'=' | b',' | b' ')).map_or(0, |at| at + 1);
                value.splice(..start, prefixes[at.index(prefixes.len())].to_vec());
            }
            12 => headers.push(original[which].clone()),
            13 => drop(headers.remove(which)),
            14 => headers = owned(&self.by_another),
            // One header of another webhook's request among ours.
            15 => headers[which] = owned(&self.by_another)[which].clone(),
            // Another webhook's proof after ours, or before it.
            16 => headers.insert(at.index(headers.len() + 1), owned(&self.by_another)[which].clone()),
            _ => {
                let (before, after) = self.window?;
                let off = if byte % 2 == 0 { -before - mutation.seconds } else { after + mutation.seconds };
                now = self.now.checked_add_signed(TimeDelta::seconds(off))?;
            }
        }
        if headers == original && self.same_body(&body) && now == self.now {
            return None;
        }
        let headers = self.map(&headers)?;
        let passes = self.sender.verify(&headers, &body, now).is_ok();
        // What is refused is no handshake either.
        assert!(passes || self.sender.handshake(&headers, &body, now).is_none());
        Some(passes)
    }
}

/// A request of one of the schemes with one signature header.
fn genuine(scheme: Scheme, text: &str) -> Genuine {
    let body = scheme.body(text);
    let proof = |secret: &[u8]| {
        let signature = (scheme.header, scheme.sign(secret, &body));
        let time = ("x-slack-request-timestamp", world::now().timestamp().to_string());
        std::iter::once(signature).chain((scheme.name == "slack").then_some(time)).collect()
    };
    Genuine {
        sender: (scheme.sender)(),
        proof: proof(SECRET),
        by_another: proof(b"another webhook's"),
        now: world::now(),
        content_type: scheme.content_type,
        covers: if scheme.name == "gitea form" { Covers::Payload } else { Covers::Body },
        window: scheme.window.map(|seconds| (seconds + 1, seconds + 1)),
        body,
    }
}

fn github(text: &str) -> Genuine {
    let body = text.as_bytes().to_vec();
    let proof = |secret: &[u8]| vec![("x-hub-signature-256", hub_signature(secret, &body))];
    Genuine {
        sender: Sender::GitHub(senders::GitHub::new(vec![SECRET.to_vec()]).unwrap()),
        proof: proof(SECRET),
        by_another: proof(b"another webhook's"),
        now: world::now(),
        content_type: JSON,
        covers: Covers::Body,
        window: None,
        body,
    }
}

macro_rules! refuses_mutations {
    ($($test:ident = $genuine:expr),+ $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 10_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $test(mutation in mutation(), text in ".{1,60}") {
                    let genuine: Genuine = $genuine(&text);
                    prop_assert!(genuine.passes());
                    prop_assert_ne!(genuine.passes_after(&mutation), Some(true));
                }
            )+
        }
    };
}

refuses_mutations! {
    github_body = github,
    sentry_hook = |text| genuine(SENTRY, text),
    sentry_component = |text| genuine(SENTRY_COMPONENT, text),
    gitea_json = |text| genuine(GITEA, text),
    gitea_form = |text| genuine(GITEA_FORM, text),
    forgejo = |text| genuine(FORGEJO, text),
    bitbucket = |text| genuine(BITBUCKET, text),
    linear = |text| genuine(LINEAR, text),
    slack = |text| genuine(SLACK, text),
}
