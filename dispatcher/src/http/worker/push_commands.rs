//! The commands at the start of a push (gitprotocol-pack(5), "Reference Update Request"):
//! pkt-lines up to a flush packet. Only as much is read as decides whether the push may pass.

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use schemas::Oid;

/// More commands than one never pass, so a few lines are enough.
const LONGEST: usize = 64 * 1024;

/// One command of a push.
#[derive(Debug, PartialEq, Eq)]
pub struct PushCommand {
    /// What the ref points to before.
    pub old: Oid,
    /// What it will point to.
    pub new: Oid,
    /// The full ref name.
    pub reference: String,
}

/// What a push asks for, and the bytes that were read to know it.
#[derive(Debug)]
pub struct PushStart {
    /// The commands; none is the probe that git sends before a large push.
    pub commands: Vec<PushCommand>,
    /// The bytes that were read; the rest of the stream follows them.
    pub read: Bytes,
}

/// A push that does not start as the protocol says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the push does not start as the protocol says: {0}")]
pub struct MalformedPush(&'static str);

/// Reads up to the flush packet that ends the commands.
pub async fn read<S, E>(body: &mut S) -> Result<PushStart, MalformedPush>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut buffer = BytesMut::new();
    loop {
        if let Some(commands) = commands(&buffer)? {
            return Ok(PushStart { commands, read: buffer.freeze() });
        }
        if buffer.len() > LONGEST {
            return Err(MalformedPush("it has too many commands"));
        }
        match body.next().await {
            Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
            Some(Err(_)) => return Err(MalformedPush("it broke off")),
            None => return Err(MalformedPush("it ends before its commands do")),
        }
    }
}

/// The commands, once the flush packet is there.
fn commands(mut bytes: &[u8]) -> Result<Option<Vec<PushCommand>>, MalformedPush> {
    let mut found = Vec::new();
    loop {
        let Some(header) = bytes.get(..4) else { return Ok(None) };
        let length = std::str::from_utf8(header)
            .ok()
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or(MalformedPush("a line has no length"))?;
        match length {
            0 => return Ok(Some(found)),
            1..=4 => return Err(MalformedPush("a line has an impossible length")),
            _ => {}
        }
        let Some(line) = bytes.get(4..length) else { return Ok(None) };
        found.push(command(line, found.is_empty())?);
        bytes.advance(length);
    }
}

fn command(line: &[u8], first: bool) -> Result<PushCommand, MalformedPush> {
    let line = match line.iter().position(|b| *b == 0) {
        Some(end) if first => line.get(..end).unwrap_or_default(),
        Some(_) => return Err(MalformedPush("a line holds U+0000")),
        None => line,
    };
    let text = std::str::from_utf8(line).map_err(|_| MalformedPush("a line is no text"))?;
    let mut words = text.trim_end_matches('\n').splitn(3, ' ');
    let (Some(old), Some(new), Some(reference)) = (words.next(), words.next(), words.next()) else {
        return Err(MalformedPush("a line is no command"));
    };
    let oid = |text: &str| text.parse::<Oid>().map_err(|_| MalformedPush("a line names no object"));
    Ok(PushCommand { old: oid(old)?, new: oid(new)?, reference: reference.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: &str = "0000000000000000000000000000000000000000";
    const NEW: &str = "1111111111111111111111111111111111111111";

    fn line(text: &str) -> String {
        format!("{:04x}{text}", text.len() + 4)
    }

    async fn read_in_pieces(bytes: &[u8], size: usize) -> Result<PushStart, MalformedPush> {
        let pieces: Vec<Result<Bytes, ()>> =
            bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        read(&mut futures_util::stream::iter(pieces)).await
    }

    #[tokio::test]
    async fn one_command_is_found_however_the_bytes_are_cut() {
        let text =
            line(&format!("{OLD} {NEW} refs/heads/pullwright/x\0 report-status side-band-64k")) + "0000PACK…";
        for size in 1..text.len() {
            let start = read_in_pieces(text.as_bytes(), size).await.unwrap();
            assert_eq!(start.commands.len(), 1);
            assert_eq!(start.commands[0].reference, "refs/heads/pullwright/x");
            assert_eq!(start.commands[0].new.as_str(), NEW);
        }
    }

    #[tokio::test]
    async fn several_commands_are_all_seen() {
        let text = line(&format!("{OLD} {NEW} refs/heads/a\0caps"))
            + &line(&format!("{OLD} {NEW} refs/heads/main"))
            + "0000";
        assert_eq!(read_in_pieces(text.as_bytes(), 1000).await.unwrap().commands.len(), 2);
    }

    #[tokio::test]
    async fn a_probe_has_no_commands() {
        assert!(read_in_pieces(b"0000", 4).await.unwrap().commands.is_empty());
    }

    #[tokio::test]
    async fn other_lines_are_refused() {
        let shallow = line(&format!("shallow {NEW}"));
        let certificate = line("push-cert\0caps");
        let hidden =
            line(&format!("{OLD} {NEW} refs/heads/a\0caps")) + &line(&format!("{OLD} {NEW} refs/heads/b\0x"));
        for text in [shallow, certificate, hidden, "zzzz".into(), "+003".into(), "0003".into()] {
            assert!(read_in_pieces(format!("{text}0000").as_bytes(), 7).await.is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = commands(&bytes);
        }
    }
}
