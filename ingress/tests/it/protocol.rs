//! HTTP as it is and as it should not be: odd forms, two readings of one request, no HTTP at all.

use tokio::io::AsyncWriteExt;

use crate::world::{World, chunks, request, sign};

const BODY: &[u8] = br#"{"a":1}"#;

/// A request with this first line and these lines instead of `Host`, `Connection`, `Content-Length`.
fn odd(first: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let usual = request(BODY, &["host", "connection", "content-length"], lines);
    let head = String::from_utf8(usual[..usual.len() - BODY.len()].to_vec()).unwrap();
    let (_, rest) = head.split_once("\r\n").unwrap();
    [first.as_bytes(), b"\r\n", rest.as_bytes(), body].concat()
}

#[tokio::test]
async fn odd_but_right() {
    let world = World::new().await;
    let length = &format!("Content-Length: {}", BODY.len())[..];
    let chunked = [chunks(BODY, 3), b"0\r\n\r\n".to_vec()].concat();
    let chunked_with_more =
        [b"7;name=value\r\n".as_slice(), BODY, b"\r\n0\r\nX-Hub-Signature-256: sha256=00\r\n\r\n"].concat();
    let table: &[(&str, Vec<u8>, u16)] = &[
        ("HTTP/1.0", odd("POST /webhooks/github HTTP/1.0", &[length], BODY), 202),
        (
            "HTTP/1.0, kept alive",
            odd("POST /webhooks/github HTTP/1.0", &[length, "Connection: keep-alive"], BODY),
            202,
        ),
        (
            "absolute form",
            odd("POST http://other.example/webhooks/github HTTP/1.1", &[length, "Connection: close"], BODY),
            202,
        ),
        ("a query", odd("POST /webhooks/github?a=b HTTP/1.1", &[length, "Connection: close"], BODY), 202),
        ("no host", odd("POST /webhooks/github HTTP/1.1", &[length, "Connection: close"], BODY), 202),
        (
            "one length, twice",
            odd("POST /webhooks/github HTTP/1.1", &[length, length, "Connection: close"], BODY),
            202,
        ),
        (
            "chunked",
            odd(
                "POST /webhooks/github HTTP/1.1",
                &["Transfer-Encoding: chunked", "Connection: close"],
                &chunked,
            ),
            202,
        ),
        (
            "chunked with extensions and trailers, which count for nothing",
            odd(
                "POST /webhooks/github HTTP/1.1",
                &["Transfer-Encoding: chunked", "Connection: close"],
                &chunked_with_more,
            ),
            202,
        ),
        ("asterisk form", odd("OPTIONS * HTTP/1.1", &["Connection: close"], b""), 404),
        ("authority form", odd("CONNECT localhost:80 HTTP/1.1", &["Connection: close"], b""), 404),
        (
            "an upgrade that nobody offers",
            odd(
                "POST /webhooks/github HTTP/1.1",
                &[length, "Connection: upgrade, close", "Upgrade: websocket"],
                BODY,
            ),
            202,
        ),
        (
            "a path that would leave",
            odd("POST /webhooks/../webhooks/github HTTP/1.1", &[length, "Connection: close"], BODY),
            404,
        ),
    ];
    for (case, bytes, status) in table {
        assert_eq!(world.exchange(bytes).await.status(), *status, "{case}");
    }
    let stored = world.queue.published();
    assert_eq!(stored.len(), table.iter().filter(|row| row.2 == 202).count());
    for delivery in stored {
        assert_eq!(delivery.body.decompress().unwrap(), BODY);
    }
}

#[tokio::test]
async fn lengths_that_lie_and_two_ways_to_say_where_a_body_ends() {
    let first = "POST /webhooks/github HTTP/1.1";
    let te = "Transfer-Encoding: chunked";
    let whole = [chunks(BODY, 7), b"0\r\n\r\n".to_vec()].concat();
    // What a smuggler would hide behind a body: a request that is genuine.
    let hidden = |front: &[u8]| [front, &request(BODY, &[], &[])].concat();
    let signed_short = format!("X-Hub-Signature-256: {}", sign(&BODY[..2]));
    let table: &[(&str, Vec<u8>)] = &[
        ("longer than the body", odd(first, &["Content-Length: 100"], BODY)),
        ("shorter than the body", odd(first, &["Content-Length: 2"], BODY)),
        ("shorter, and the signature is of what comes", {
            let lines = ["Content-Length: 2", &signed_short];
            let usual = request(b"", &["content-length", "x-hub-signature-256"], &lines);
            [&usual[..], BODY].concat()
        }),
        ("two lengths", odd(first, &["Content-Length: 7", "Content-Length: 8"], BODY)),
        ("two lengths in one", odd(first, &["Content-Length: 7, 8"], BODY)),
        ("a length with a sign", odd(first, &["Content-Length: +7"], BODY)),
        ("a negative length", odd(first, &["Content-Length: -7"], BODY)),
        ("a hexadecimal length", odd(first, &["Content-Length: 0x7"], BODY)),
        ("a length beyond all numbers", odd(first, &["Content-Length: 18446744073709551623"], BODY)),
        ("an empty length", odd(first, &["Content-Length:"], BODY)),
        ("neither", odd(first, &[], BODY)),
        ("both, and it is not chunked", odd(first, &["Content-Length: 7", te], BODY)),
        ("chunked is not last", odd(first, &["Transfer-Encoding: chunked, gzip"], &whole)),
        ("not chunked", odd(first, &["Transfer-Encoding: identity"], BODY)),
        ("almost chunked", odd(first, &["Transfer-Encoding: xchunked"], &whole)),
        ("chunked in HTTP/1.0", odd("POST /webhooks/github HTTP/1.0", &[te], &whole)),
        ("a space before the colon", odd(first, &["Transfer-Encoding : chunked"], &whole)),
        ("a folded header", odd(first, &["Transfer-Encoding:\r\n chunked"], &whole)),
        ("a chunk's length with a sign", odd(first, &[te], b"+7\r\n{\"a\":1}\r\n0\r\n\r\n")),
        ("a chunk's length in 0x", odd(first, &[te], b"0x7\r\n{\"a\":1}\r\n0\r\n\r\n")),
        (
            "a chunk's length beyond all numbers",
            odd(first, &[te], b"fffffffffffffffff7\r\n{\"a\":1}\r\n0\r\n\r\n"),
        ),
        ("a chunk that is longer than it says", odd(first, &[te], b"2\r\n{\"a\":1}\r\n0\r\n\r\n")),
        ("a NUL in a header", odd(first, &["Content-Length: 7", "X-A: \0"], BODY)),
    ];
    for (case, bytes) in table {
        let world = World::new().await;
        let mut client = world.connect().await;
        client.send(bytes).await;
        client.0.shutdown().await.unwrap();
        let statuses = client.rest().await.statuses();
        assert!(statuses.iter().all(|status| matches!(status, 400 | 401)), "{case}: {statuses:?}");
        let stored = world.queue.published();
        assert!(stored.is_empty(), "{case}: {stored:?}");
    }
    // Here both readings are complete, and what they disagree on is whether there is a second
    // request. The first is taken as chunked, and its connection closed: there is none.
    for lines in [["Content-Length: 4", te], [te, "Content-Length: 4"]] {
        let world = World::new().await;
        let statuses = world.exchange(&hidden(&odd(first, &lines, &whole))).await.statuses();
        assert_eq!(statuses, [202], "{lines:?}");
        assert_eq!(world.queue.published().len(), 1);
        assert_eq!(world.queue.published()[0].body.decompress().unwrap(), BODY);
    }
}

#[tokio::test]
async fn far_beyond_the_limit_is_refused_before_a_byte_of_it() {
    let world = World::new().await;
    for length in ["65537", "1099511627776", "9223372036854775807"] {
        let line = format!("Content-Length: {length}");
        let answer = world.exchange(&request(b"", &["content-length"], &[&line])).await;
        assert_eq!(answer.status(), 413, "{length}");
    }
}

#[tokio::test]
async fn requests_one_behind_the_other_are_answered_in_order() {
    let world = World::new().await;
    let one = request(b"[1]", &["connection"], &[]);
    let forged = request(b"[2]", &["connection"], &["X-Hub-Signature-256: sha256=00"]);
    let mut client = world.connect().await;
    client.send(&[one.clone(), forged, one.clone(), one].concat()).await;
    assert_eq!(client.rest().await.statuses(), [202, 401, 202, 202]);
    assert_eq!(world.queue.published().len(), 3);
}

#[tokio::test]
async fn what_is_no_http() {
    let world = World::new().await;
    // A TLS client's first words: record type 22, version 3.1, a handshake of type 1.
    let tls = [&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 500]].concat();
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let table: &[(&str, &[u8])] = &[
        ("TLS", &tls),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0"),
        ("HTTP/0.9", b"GET /webhooks/github\r\n"),
        ("HTTP/3 by name", b"POST /webhooks/github HTTP/3.0\r\n\r\n"),
        ("noise", &noise),
        ("NULs", &[0; 100]),
        ("line ends", b"\r\n\r\n\r\n\r\nx"),
        ("SSH", b"SSH-2.0-client\r\n"),
        ("PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
        ("a method with a space", b"PO ST /webhooks/github HTTP/1.1\r\n\r\n"),
        ("no UTF-8 in the path", b"POST /webhooks/\xff\xfe HTTP/1.1\r\n\r\n"),
    ];
    for (case, bytes) in table {
        let mut client = world.connect().await;
        client.send(bytes).await;
        let answer = client.rest().await;
        assert!(matches!(answer.status(), 400 | 404 | 405 | 0), "{case}: {answer:?}");
        assert_eq!(world.exchange(&request(BODY, &[], &[])).await.status(), 202, "after {case}");
    }
}

#[tokio::test]
async fn more_headers_than_anybody_sends() {
    let world = World::new().await;
    let lines: Vec<String> = (0..150).map(|n| format!("X-{n}: 1")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(world.exchange(&request(BODY, &[], &lines)).await.status(), 431);
    let long = format!("POST /webhooks/{} HTTP/1.1", "x".repeat(70_000));
    let status = world.exchange(&odd(&long, &["Content-Length: 7"], BODY)).await.status();
    assert!(matches!(status, 414 | 431), "{status}");
}
