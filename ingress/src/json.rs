//! Whether bytes are JSON, without building it: valid to the last byte, and not too deep.
//!
//! The grammar is that of RFC 8259 and nothing is asked beyond it: what a number's range or an
//! escaped half of a surrogate pair means is for the parser to say, who has the body stored.

/// Why bytes are not taken as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// They are not JSON.
    #[error("the body is no JSON (line {line}, column {column})")]
    Invalid {
        /// Line of the mistake, from 1.
        line: usize,
        /// Its column in bytes, from 1.
        column: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error("the body's JSON is nested deeper than {0}")]
    TooDeep(usize),
}

/// The deepest nesting that can be allowed: what is open is remembered in so many bits.
const DEEPEST: usize = u128::BITS as usize;

/// Checks that `bytes` are one JSON document, nested at most `max_depth` deep (a scalar has depth
/// 0; more than 128 is never allowed).
///
/// # Errors
/// With the place of the first byte that is not UTF-8, else of the first against the grammar.
pub fn check(bytes: &[u8], max_depth: usize) -> Result<(), NotJson> {
    // By itself it is several times as fast as together with the grammar, which then is all ASCII.
    std::str::from_utf8(bytes).map_err(|error| invalid(bytes, error.valid_up_to()))?;
    let mut scan = Scan { bytes, at: 0 };
    scan.document(max_depth.min(DEEPEST)).map_err(|mistake| match mistake {
        Mistake::Here => invalid(bytes, scan.at),
        Mistake::TooDeep => NotJson::TooDeep(max_depth),
    })
}

/// A mistake at the byte `at`.
fn invalid(bytes: &[u8], at: usize) -> NotJson {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    NotJson::Invalid { line, column }
}

/// What stops a scan.
enum Mistake {
    /// The byte where it stands, or the missing one.
    Here,
    TooDeep,
}

/// What is open around a place: one bit a level, the innermost lowest, set for an object.
#[derive(Default)]
struct Open {
    depth: usize,
    objects: u128,
}

impl Open {
    fn enter(&mut self, object: bool, max_depth: usize) -> Result<(), Mistake> {
        if self.depth == max_depth {
            return Err(Mistake::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// A place in a document.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn document(&mut self, max_depth: usize) -> Result<(), Mistake> {
        let mut open = Open::default();
        loop {
            // A value begins.
            match self.skip_space() {
                Some(bracket @ (b'{' | b'[')) => {
                    let object = bracket == b'{';
                    open.enter(object, max_depth)?;
                    self.at += 1;
                    match self.skip_space() {
                        // It is empty, and ends below.
                        Some(b'}') if object => {}
                        Some(b']') if !object => {}
                        _ if object => {
                            self.key()?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return Err(Mistake::Here),
            }
            // It has ended, and so may what it is in.
            loop {
                let next = self.skip_space();
                if open.depth == 0 {
                    return if next.is_none() { Ok(()) } else { Err(Mistake::Here) };
                }
                match next {
                    Some(b',') => {
                        self.at += 1;
                        if open.in_object() {
                            self.skip_space();
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if open.in_object() => open.leave(),
                    Some(b']') if !open.in_object() => open.leave(),
                    _ => return Err(Mistake::Here),
                }
                self.at += 1;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Mistake> {
        if self.take(byte) { Ok(()) } else { Err(Mistake::Here) }
    }

    /// The first byte that is no white space.
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn key(&mut self) -> Result<(), Mistake> {
        if self.peek() != Some(b'"') {
            return Err(Mistake::Here);
        }
        self.string()?;
        self.skip_space();
        self.expect(b':')
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Mistake> {
        word.iter().try_for_each(|byte| self.expect(*byte))
    }

    fn number(&mut self) -> Result<(), Mistake> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// One or more.
    fn digits(&mut self) -> Result<(), Mistake> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == from { Err(Mistake::Here) } else { Ok(()) }
    }

    /// A string whose opening quote stands here.
    fn string(&mut self) -> Result<(), Mistake> {
        self.at += 1;
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                // A control character, or the end.
                _ => return Err(Mistake::Here),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), Mistake> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(Mistake::Here);
                    }
                    self.at += 1;
                }
            }
            _ => return Err(Mistake::Here),
        }
        Ok(())
    }

    /// Goes to the next quote, backslash or control character, or to the end.
    fn skip_plain(&mut self) {
        while let Some(eight) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let special = special(u64::from_le_bytes(*eight));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }
}

/// Eight bytes at once: the lowest bit set is the highest of the first byte that is a quote, a
/// backslash or below a space. A borrow can mark bytes after that one wrongly, never before it.
fn special(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let equal = |byte: u8| below(bytes ^ (ONES * u64::from(byte)), 1);
    (below(bytes, b' ') | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

#[cfg(test)]
mod tests;
