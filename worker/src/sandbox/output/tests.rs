use proptest::prelude::*;

use super::*;

fn lines(blocks: &[&[u8]]) -> Vec<String> {
    let (mut lines, mut ready) = (Lines::default(), Vec::new());
    for block in blocks {
        lines.push(block, &mut ready);
    }
    lines.finish(&mut ready);
    ready
}

#[test]
fn lines_end_where_a_terminal_would_begin_a_new_one() {
    for (printed, expected) in [
        (&b""[..], &[][..]),
        (b"one", &["one"]),
        (b"one\ntwo\n", &["one", "two"]),
        (b"one\n\ntwo", &["one", "", "two"]),
        (b"one\r\ntwo\r\n", &["one", "two"]),
        (b"one\r\n\r\ntwo", &["one", "two"]),
        (b"10%\r20%\r\r100%\n", &["10%", "20%", "100%"]),
        (b"\r\r\r", &[]),
    ] {
        assert_eq!(lines(&[printed]), expected, "{printed:?}");
    }
}

#[test]
fn nothing_that_acts_on_a_terminal_passes() {
    for (printed, expected) in [
        (&b"plain\ttext \xc3\xa4"[..], "plain\ttext ä"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07shown", "shown"),
        (b"\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bP1$r0m\x1b\\after", "after"),
        (b"\x1b(Bafter\x1b=", "after"),
        (b"\xc2\x9b2Jafter", "after"),
        (b"cut \x1b[", "cut "),
        (b"cut \x1b", "cut \\u{1b}"),
        (b"a\0b\x08c\x07", "ab\\u{8}c\\u{7}"),
        (b"not \xff\xfe utf-8", "not \u{fffd}\u{fffd} utf-8"),
        ("if \u{202e}nimda\u{2066}".as_bytes(), "if \\u{202e}nimda\\u{2066}"),
    ] {
        assert_eq!(harmless(printed), expected, "{printed:?}");
    }
}

#[test]
fn a_long_line_comes_in_pieces_and_no_character_is_cut() {
    let printed = "ä".repeat(LONGEST);
    let pieces = lines(&[&b"x"[..], printed.as_bytes()]);
    assert!(pieces.iter().all(|piece| piece.len() <= LONGEST && !piece.contains('\u{fffd}')));
    assert_eq!(pieces.concat(), format!("x{printed}"));
    // Exactly as long as allowed is one line, not two.
    assert_eq!(lines(&[&vec![b'x'; LONGEST], b"\ny"]).len(), 2);
    // Escapes grow.
    assert!(lines(&[&vec![0x08; LONGEST]]).iter().all(|piece| piece.len() <= LONGEST));
}

proptest! {
    #[test]
    fn where_the_blocks_are_cut_changes_nothing(
        printed in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(0x1b), any::<u8>()], 0..300),
        cut in 0..300_usize,
    ) {
        let cut = cut.min(printed.len());
        let (first, second) = printed.split_at(cut);
        prop_assert_eq!(lines(&[first, second]), lines(&[&printed]));
    }

    #[test]
    fn whatever_is_printed_the_lines_are_harmless(printed in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for line in lines(&[&printed]) {
            prop_assert!(line.len() <= LONGEST);
            prop_assert!(!line.chars().any(acts), "{line:?}");
        }
    }
}

#[tokio::test]
async fn beyond_the_limit_bytes_are_counted_and_dropped() {
    let (sender, mut receiver) = mpsc::channel(64);
    relay(&b"12345\n7890"[..], &b""[..], sender, 8).await;
    let mut received = Vec::new();
    while let Some(line) = receiver.recv().await {
        received.push((line.stream, line.text));
    }
    assert_eq!(
        received,
        [
            (Stream::Stdout, "12345".to_owned()),
            (Stream::Stdout, "78".to_owned()),
            (Stream::Worker, "2 more bytes of output were left out: the limit is 8".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_listener_that_left_does_not_stop_the_reading() {
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    assert_eq!(relay(&b"a\nb\nc\n"[..], &b"last words\n"[..], sender, 100).await, "last words");
}
