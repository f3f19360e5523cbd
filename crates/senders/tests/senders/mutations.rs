//! A genuine request, and everything somewhat like it.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;
use senders::Sender;

/// A request that passes.
pub struct Genuine {
    pub sender: Sender,
    /// The headers that prove it.
    pub proof: Vec<(&'static str, String)>,
    /// The same, made with another webhook's secret.
    pub by_another: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub now: DateTime<Utc>,
    /// Whether a changed body shows.
    pub covers_body: bool,
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
    (0u8..17, any::<Index>(), any::<Index>(), 1u8.., 0i64..2_000_000_000)
        .prop_map(|(kind, header, at, byte, seconds)| Mutation { kind, header, at, byte, seconds })
}

type Headers = Vec<(&'static str, Vec<u8>)>;

fn map(headers: &Headers) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        // What HTTP does not carry cannot be sent.
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?);
    }
    Some(map)
}

impl Genuine {
    pub fn passes(&self) -> bool {
        let headers: Headers =
            self.proof.iter().map(|(name, value)| (*name, value.clone().into_bytes())).collect();
        self.sender.verify(&map(&headers).unwrap(), &self.body, self.now).is_ok()
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
            _ => {
                let (before, after) = self.window?;
                let off = if byte % 2 == 0 { -before - mutation.seconds } else { after + mutation.seconds };
                now = self.now.checked_add_signed(TimeDelta::seconds(off))?;
            }
        }
        let same_body = body == self.body || !self.covers_body;
        if headers == original && same_body && now == self.now {
            return None;
        }
        Some(self.sender.verify(&map(&headers)?, &body, now).is_ok())
    }
}
