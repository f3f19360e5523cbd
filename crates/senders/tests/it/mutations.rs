//! Ten thousand requests a scheme that differ from a signed one in a little: none is believed.

use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;
use senders::BodyFormat;

use crate::schemes::{
    BITBUCKET, FORGEJO, GITEA, GITEA_FORM, LINEAR, SENTRY, SENTRY_COMPONENT, SLACK, Scheme,
};
use crate::world::{SECRET, now};

#[derive(Debug, Clone)]
struct Mutation {
    text: String,
    kind: u8,
    at: Index,
    flip: u8,
    seconds: i64,
    secret: Vec<u8>,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let secret = proptest::collection::vec(any::<u8>(), 0..40);
    (".{0,60}", 0u8..16, any::<Index>(), 1u8.., 1i64..2_000_000_000, secret).prop_map(
        |(text, kind, at, flip, seconds, secret)| Mutation { text, kind, at, flip, seconds, secret },
    )
}

fn change(bytes: &mut Vec<u8>, how: u8, at: Index, flip: u8) {
    match how {
        0 => {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        1 => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << (flip % 8);
        }
        2 => {
            bytes.remove(at.index(bytes.len()));
        }
        3 => bytes.insert(at.index(bytes.len() + 1), flip),
        _ => bytes.truncate(at.index(bytes.len())),
    }
}

fn refused(scheme: Scheme, mutation: Mutation) -> Result<(), TestCaseError> {
    let Mutation { text, kind, at, flip, seconds, secret } = mutation;
    let body = scheme.body(&text);
    let right = scheme.sign(SECRET, &body);
    let (mut changed, mut header, mut clock) = (body.clone(), right.clone().into_bytes(), now());
    let mut second = None;
    match kind {
        0..5 => change(&mut changed, kind, at, flip),
        5..10 => change(&mut header, kind - 5, at, flip),
        10 => header = right.to_uppercase().into_bytes(),
        11 => {
            let digits = right.strip_prefix(scheme.prefix).unwrap_or(&right);
            let prefixes = ["sha256=", "sha1=", "v0=", "v1=", "v1,", "SHA256=", " ", "0x", ""];
            header = format!("{}{digits}", prefixes[at.index(prefixes.len())]).into_bytes();
        }
        12 => second = Some(if flip % 2 == 0 { right.clone() } else { scheme.sign(&secret, &body) }),
        13 => header = scheme.sign(&secret, &body).into_bytes(),
        14 => {
            // One digit in another script, as UTF-8 bytes in a header.
            let digit = char::from_u32(0x660 + u32::from(flip % 10)).unwrap_or('x').to_string();
            let at = scheme.prefix.len() + at.index(64);
            header.splice(at..=at, digit.into_bytes());
        }
        _ => {
            let off = scheme.window.unwrap_or_default() + seconds;
            clock += TimeDelta::seconds(if flip % 2 == 0 { off } else { -off });
        }
    }
    prop_assume!(kind != 15 || scheme.window.is_some());
    let same_payload = scheme.name == "gitea form" && {
        let payload =
            |body: &[u8]| (scheme.sender)().json_of(BodyFormat::Form, body).map(|json| json.into_owned());
        payload(&changed) == payload(&body)
    };
    let same_body = changed == body || same_payload;
    let same_secret = kind == 13 && header == right.as_bytes();
    prop_assume!(!(same_secret || same_body && header == right.as_bytes() && second.is_none() && kind != 15));
    let Ok(value) = HeaderValue::from_bytes(&header) else { return Ok(()) };
    let mut headers: HeaderMap = scheme.headers(&[]);
    headers.append(scheme.header, value);
    if let Some(second) = second {
        headers.append(scheme.header, HeaderValue::try_from(second).unwrap());
    }
    prop_assert!(scheme.verify(&headers, &changed, clock).is_err());
    // What is refused is no handshake either.
    prop_assert_eq!((scheme.sender)().handshake(&headers, &changed, clock), None);
    Ok(())
}

macro_rules! refuses_mutations {
    ($($test:ident = $scheme:ident),+ $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 10_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $test(mutation in mutation()) {
                    refused($scheme, mutation)?;
                }
            )+
        }
    };
}

refuses_mutations! {
    sentry_hook = SENTRY,
    sentry_component = SENTRY_COMPONENT,
    gitea_json = GITEA,
    gitea_form = GITEA_FORM,
    forgejo = FORGEJO,
    bitbucket = BITBUCKET,
    linear = LINEAR,
    slack = SLACK,
}
