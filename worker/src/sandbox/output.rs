//! What a command prints, as lines that are safe to log and bounded in number of bytes.
//!
//! Both streams are read to their end whatever happens, so that the command never blocks on a
//! full pipe for long; beyond the limit bytes are counted and dropped.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use regex::Regex;
use schemas::control::Stream;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

use super::OutputLine;

/// The longest line in bytes.
const LONGEST: usize = 16 * 1024;

/// Reads at once.
const BLOCK: usize = 64 * 1024;

/// Passes both streams on until they end; at most `limit` bytes. Returns the last line of standard
/// error, where `bwrap` explains itself when it fails.
pub(super) async fn relay(
    stdout: impl AsyncRead + Unpin,
    stderr: impl AsyncRead + Unpin,
    sender: mpsc::Sender<OutputLine>,
    limit: u64,
) -> String {
    let allowance = Allowance { left: AtomicU64::new(limit), dropped: AtomicU64::new(0) };
    let (_, last) = tokio::join!(
        pump(stdout, Stream::Stdout, &sender, &allowance),
        pump(stderr, Stream::Stderr, &sender, &allowance),
    );
    let dropped = allowance.dropped.into_inner();
    if dropped > 0 {
        let text = format!("{dropped} more bytes of output were left out: the limit is {limit}");
        let _ = sender.send(OutputLine { stream: Stream::Worker, text }).await;
    }
    last
}

/// What both streams together may still pass on.
struct Allowance {
    left: AtomicU64,
    dropped: AtomicU64,
}

impl Allowance {
    /// The part of `bytes` that may pass. Both streams are pumped by one task, so reading and
    /// lowering what is left cannot interleave.
    fn take<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let left = self.left.load(Ordering::Relaxed);
        let passed = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (passed, rest) = bytes.split_at(passed);
        self.left.store(left.saturating_sub(passed.len() as u64), Ordering::Relaxed);
        self.dropped.fetch_add(rest.len() as u64, Ordering::Relaxed);
        passed
    }
}

async fn pump(
    mut source: impl AsyncRead + Unpin,
    stream: Stream,
    sender: &mpsc::Sender<OutputLine>,
    allowance: &Allowance,
) -> String {
    let mut lines = Lines::default();
    let mut block = vec![0; BLOCK];
    let mut ready = Vec::new();
    let mut last = String::new();
    loop {
        // An error is an end: there is nothing more to be had.
        let read = source.read(&mut block).await.unwrap_or(0);
        if read == 0 {
            lines.finish(&mut ready);
        } else {
            lines.push(allowance.take(block.get(..read).unwrap_or_default()), &mut ready);
        }
        for text in ready.drain(..) {
            last.clone_from(&text);
            // Nobody listens: go on reading, or the command would block.
            let _ = sender.send(OutputLine { stream, text }).await;
        }
        if read == 0 {
            return last;
        }
    }
}

/// Cuts bytes into lines. LF, CR LF and a lone CR (progress bars) end a line; those that a CR
/// leaves empty are not lines.
#[derive(Debug, Default)]
struct Lines {
    current: Vec<u8>,
    after_cr: bool,
}

impl Lines {
    fn push(&mut self, mut bytes: &[u8], ready: &mut Vec<String>) {
        while let Some(&first) = bytes.first() {
            if first == b'\n' || first == b'\r' {
                let blank = self.current.is_empty() && (self.after_cr || first == b'\r');
                if !blank {
                    self.end(self.current.len(), ready);
                }
                self.after_cr = first == b'\r';
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            self.after_cr = false;
            if self.current.len() == LONGEST {
                self.end(whole_characters(&self.current), ready);
            }
            let room = LONGEST - self.current.len();
            let length = bytes.iter().take(room).take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
            let (part, rest) = bytes.split_at(length);
            self.current.extend_from_slice(part);
            bytes = rest;
        }
    }

    fn finish(&mut self, ready: &mut Vec<String>) {
        if !self.current.is_empty() {
            self.end(self.current.len(), ready);
        }
    }

    /// Ends a line after `length` bytes; what follows begins the next.
    fn end(&mut self, length: usize, ready: &mut Vec<String>) {
        let rest = self.current.split_off(length);
        let line = std::mem::replace(&mut self.current, rest);
        let mut text = harmless(&line).into_owned();
        // Replacement and escapes are longer than what they stand for.
        while text.len() > LONGEST {
            let rest = text.split_off(text.floor_char_boundary(LONGEST));
            ready.push(std::mem::replace(&mut text, rest));
        }
        ready.push(text);
    }
}

/// The length of `bytes` without a character that was cut at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80);
    let Some(start) = tail.map(|back| bytes.len() - 1 - back) else { return bytes.len() };
    match std::str::from_utf8(bytes.get(start..).unwrap_or_default()) {
        Err(error) if error.error_len().is_none() => start,
        _ => bytes.len(),
    }
}

/// Terminal sequences of ECMA-48: CSI, OSC and other strings, and the short ones.
static SEQUENCES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?: \x1b\[ | \u{9b} ) [0-?]* [\x20-/]* [@-~]
        | (?: \x1b[\]PX^_] | [\u{90}\u{98}\u{9d}\u{9e}\u{9f}] ) [^\x07\x1b\u{9c}]* (?: \x07 | \x1b\\ | \u{9c} )?
        | \x1b [\x20-/]* [0-~]",
    )
    .ok()
});

/// Text that does nothing to a terminal and shows what it says.
fn harmless(line: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(line);
    if !text.chars().any(acts) {
        return text;
    }
    let text = match SEQUENCES.as_ref() {
        Some(sequences) => sequences.replace_all(&text, ""),
        None => text,
    };
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0' => {}
            acting if acts(acting) => shown.extend(acting.escape_unicode()),
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// Control characters, and those that reorder what is around them (UAX #9).
fn acts(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
