//! Mistakes in `intake:`.

use insta::assert_snapshot;

use super::mistake;

#[test]
fn proxies_that_cannot_be_trusted() {
    assert_snapshot!(mistake("intake: { trusted_proxies: [10.0.0.0/8, 0.0.0.0/0] }\n"), @r"
     × pullwright.yaml:1:41: so everybody could say where his delivery comes from
      ╭────
    1 │ intake: { trusted_proxies: [10.0.0.0/8, 0.0.0.0/0] }
      ·                                         ────┬────
      ·                                             ╰── here
      ╰────
     help: name your proxies alone, such as 127.0.0.1 or 10.0.0.0/8
    ");
    assert_snapshot!(mistake("intake: { trusted_proxies: [proxy] }\n"), @r"
     × pullwright.yaml:1:29: `proxy` is no network
      ╭────
    1 │ intake: { trusted_proxies: [proxy] }
      ·                             ──┬──
      ·                               ╰── here
      ╰────
     help: write an address and the length of its prefix, such as 192.30.252.0/22 or 2a0a:a440::/29
    ");
}

#[test]
fn too_little_memory() {
    assert_snapshot!(mistake("intake: { memory: 1MiB }\n"), @r"
     × pullwright.yaml:1:19: not even one body of the largest size fits in
      ╭────
    1 │ intake: { memory: 1MiB }
      ·                   ──┬─
      ·                     ╰── here
      ╰────
     help: choose at least 25MiB, or lower `max_body`
    ");
}
