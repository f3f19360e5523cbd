//! Whether the time of a comparison tells how much of a guess was right: it must not.
//!
//! `cargo run --release -p senders --example compare_timing [rounds]`
//!
//! A signature (or secret) that is wrong in its first byte is checked against one that is wrong in
//! its last, a block of each in turn, so that whatever slows the machine slows both. Beside it, in the same
//! way, a comparison that stops at the first difference: if that shows a difference and ours does
//! not, ours has none that this could show. A t above 4.5 is a difference (the threshold of TVLA,
//! ISO/IEC 17825).

use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use senders::{GitHub, GitLab, Jira, Sender, Sentry};

const SECRET: &[u8] = b"correct horse battery staple, and then some more to compare";
const BODY: &[u8] = br#"{"action":"opened"}"#;
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
/// Checks in one measurement: a clock is too coarse for one.
const BLOCK: usize = 16;

type Failure = Box<dyn std::error::Error>;

/// Mean and variance, as they come in (Welford).
#[derive(Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

/// Welch's t of two samples.
fn t(one: &Spread, other: &Spread) -> f64 {
    (one.mean - other.mean) / (one.variance() / one.count + other.variance() / other.count).sqrt()
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn nanoseconds(mut check: impl FnMut() -> bool) -> f64 {
    let began = Instant::now();
    for _ in 0..BLOCK {
        assert!(!black_box(check()), "a wrong guess passed");
    }
    began.elapsed().as_secs_f64() * 1e9 / BLOCK as f64
}

/// Times both checks in turn, the first one first in every other round.
fn compare(
    name: &str,
    rounds: usize,
    mut first_wrong: impl FnMut() -> bool,
    mut last_wrong: impl FnMut() -> bool,
) {
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds {
        times.push(if round % 2 == 0 {
            let first = nanoseconds(&mut first_wrong);
            (first, nanoseconds(&mut last_wrong))
        } else {
            let last = nanoseconds(&mut last_wrong);
            (nanoseconds(&mut first_wrong), last)
        });
    }
    // What another process stole is no part of a comparison: the slowest tenth is left out.
    let mut slow: Vec<f64> = times.iter().map(|(first, last)| first.max(*last)).collect();
    slow.sort_by(f64::total_cmp);
    let bound = slow.get(rounds * 9 / 10).copied().unwrap_or(f64::MAX);
    let (mut first, mut last) = (Spread::default(), Spread::default());
    for (one, other) in times.into_iter().filter(|(one, other)| one.max(*other) <= bound) {
        first.add(one);
        last.add(other);
    }
    println!(
        "{name:<34} {:>10.1} {:>10.1} {:>9.2} {:>9.2}",
        first.mean,
        last.mean,
        last.mean - first.mean,
        t(&last, &first)
    );
}

/// `text` with another digit at `at`.
fn wrong_at(text: &str, at: usize) -> String {
    let other = |byte: u8| if byte == b'0' { '1' } else { '0' };
    text.bytes()
        .enumerate()
        .map(|(place, byte)| if place == at { other(byte) } else { char::from(byte) })
        .collect()
}

fn headers(name: &'static str, value: &str) -> Result<HeaderMap, Failure> {
    Ok([(name.parse()?, HeaderValue::from_str(value)?)].into_iter().collect())
}

/// A sender with its genuine header; the last number is how many bytes its value begins with that
/// are no part of the comparison.
fn senders() -> Result<Vec<(&'static str, Sender, usize)>, Failure> {
    let secrets = vec![SECRET.to_vec()];
    Ok(vec![
        ("GitHub, HMAC", Sender::GitHub(GitHub::new(secrets.clone())?), "sha256=".len()),
        ("Jira, HMAC", Sender::Jira(Jira::signed(&secrets)?), "sha256=".len()),
        ("Sentry, HMAC", Sender::Sentry(Sentry::new(&secrets)?), 0),
        ("GitLab, secret token", Sender::GitLab(GitLab::new(Vec::new(), secrets)?), 0),
    ])
}

/// What a comparison must not do: it stops at the first difference.
#[inline(never)]
fn naive(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    for (one, other) in one.iter().zip(other) {
        if black_box(one) != black_box(other) {
            return false;
        }
    }
    true
}

fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200_000);
    println!("{rounds} rounds of {BLOCK} checks, ns a check");
    println!("{:<34} {:>10} {:>10} {:>9} {:>9}", "wrong in its", "first byte", "last byte", "differ by", "t");
    for (name, sender, prefix) in senders()? {
        let (header, genuine) = sender
            .sign("issues", "1", NOW, senders::BodyFormat::Json, BODY)
            .into_iter()
            .find(|(name, _)| name.contains("signature") || name.contains("token"))
            .ok_or("nothing is signed")?;
        let first = headers(header, &wrong_at(&genuine, prefix))?;
        let last = headers(header, &wrong_at(&genuine, genuine.len() - 1))?;
        let check = |headers: &HeaderMap| sender.verify(black_box(headers), BODY, NOW).is_ok();
        compare(name, rounds, || check(&first), || check(&last));
        compare(&format!("{name}, nothing differs"), rounds, || check(&last), || check(&last));
        let (first, last) = (wrong_at(&genuine, prefix), wrong_at(&genuine, genuine.len() - 1));
        let stops = |guess: &str| naive(black_box(guess.as_bytes()), black_box(genuine.as_bytes()));
        compare(&format!("{name}, one that stops"), rounds, || stops(&first), || stops(&last));
        let hashes_and_stops = |guess: &str, headers: &HeaderMap| {
            let _ = sender.verify(black_box(headers), BODY, NOW);
            stops(guess)
        };
        let header_of = headers(header, &first)?;
        compare(
            &format!("{name}, and one that stops after"),
            rounds,
            || hashes_and_stops(&first, &header_of),
            || hashes_and_stops(&last, &header_of),
        );
    }
    Ok(())
}
