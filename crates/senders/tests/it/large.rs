//! Bodies of 25 MB, as large as any sender's: reading one takes less than 256 MB, or it is refused.
//!
//! The most that a process ever took is known to that process alone, so each tool's bodies are read
//! in a process of their own: this test's program, asked for `large::reads_what_it_is_asked_to`.

use std::process::Command;

use schemas::event::SourceKind;
use senders::ParseError;
use serde_json::{Value, json};

use crate::hostile::{GOOD, Good, KINDS};

const LARGE: usize = 25 << 20;
const MOST_KB: u64 = 256 << 10;
const ASKED: &str = "PULLWRIGHT_TEST_LARGE";

/// What stands for the large thing until the body is text.
const MARK: &str = "@@@";

/// Where a good body of `kind` has a text that becomes part of the event.
fn text_of(good: &Good) -> Option<Value> {
    let places = [
        "/comment/body",
        "/object_attributes/note",
        "/data/event/message",
        "/comment/content/raw",
        "/data/body",
        "/event/text",
        "/changelog/items/0/toString",
    ];
    let mut body = good.body.clone();
    let place = places.into_iter().find(|place| body.pointer(place).is_some_and(Value::is_string))?;
    *body.pointer_mut(place)? = json!(MARK);
    Some(body)
}

fn filled(body: &Value, start: &str, one: &str, end: &str) -> Vec<u8> {
    let text = body.to_string();
    let (before, after) = text.split_once(&format!("\"{MARK}\"")).unwrap();
    let mut raw = Vec::with_capacity(LARGE + 100);
    raw.extend_from_slice(before.as_bytes());
    raw.extend_from_slice(start.as_bytes());
    let count = (LARGE - raw.len() - end.len() - after.len()) / one.len();
    raw.extend(one.repeat(count).as_bytes());
    raw.extend_from_slice(end.as_bytes());
    raw.extend_from_slice(after.as_bytes());
    raw
}

fn read_all(kind: SourceKind) {
    let of_kind = || GOOD.iter().filter(|good| good.kind == kind && !good.form);
    let (good, text) = of_kind().find_map(|good| Some((good, text_of(good)?))).unwrap();
    for one in ["é", "\\n", "\\u0000", "label "] {
        assert!(good.read(&filled(&text, "\"", one, "\"")).is_ok(), "{kind}: {one}");
    }
    let mut unknown = good.body.clone();
    unknown["unknown"] = json!(MARK);
    let shapes = [
        ("[0", ",0", "]"),
        ("[[]", ",[]", "]"),
        ("[{}", ",{}", "]"),
        ("[{\"a\":0}", ",{\"a\":0}", "]"),
        ("[\"\\n\"", ",\"\\n\"", "]"),
        ("{\"\":0", ",\"\\n\":0", "}"),
        ("[", "[", ""),
        ("{\"a\":", "{\"a\":", ""),
    ];
    for (start, one, end) in shapes {
        let refused = good.read(&filled(&unknown, start, one, end));
        let why = "too many, or too deep, and then not closed";
        assert!(
            matches!(refused, Err(ParseError::TooManyValues(_) | ParseError::Json(_))),
            "{kind}: {one} {why}"
        );
    }
    // As many values as are built, of the largest kind, and the rest text.
    let most = format!("[{}{{}}],\"text\":\"", "{\"\\n\":\"\\n\"},".repeat(249_000));
    assert!(good.read(&filled(&unknown, &most, "\\n", "\"")).is_ok(), "{kind}: the most that is built");
}

/// As forms, each byte of JSON is three of the body.
fn read_forms(kind: SourceKind) {
    let escaped = |json: &[u8]| json.iter().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let of_kind = || GOOD.iter().filter(|good| good.kind == kind);
    if let Some(command) = of_kind().find(|good| good.form) {
        let more = [command.bytes(&command.body), b"&more=".to_vec(), b"%0A".repeat(LARGE / 3)].concat();
        assert!(command.read(&more).is_ok());
    }
    if matches!(kind, SourceKind::Github | SourceKind::Gitea) {
        let (header, text) = of_kind().find_map(|good| Some((good.header, text_of(good)?))).unwrap();
        let (before, after) = text
            .to_string()
            .split_once(MARK)
            .map(|(a, b)| (escaped(a.as_bytes()), escaped(b.as_bytes())))
            .unwrap();
        let form = Good { kind, header, body: Value::Null, form: true };
        let raw = format!("payload={before}{}{after}", "%5C%6E".repeat(LARGE / 6 - before.len()));
        assert!(form.read(raw.as_bytes()).is_ok());
    }
}

/// The most that this process ever took, in kB (proc(5), `VmHWM`).
fn most_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn reads_what_it_is_asked_to() {
    let Ok(asked) = std::env::var(ASKED) else { return };
    let kind = KINDS.into_iter().find(|kind| kind.as_str() == asked).unwrap();
    read_all(kind);
    read_forms(kind);
    let most = most_kb().unwrap();
    println!("{asked}: {} MB at most", most >> 10);
    assert!(most < MOST_KB, "{asked}: {most} kB");
}

fn in_its_own_process(kind: SourceKind) {
    if most_kb().is_none() {
        eprintln!("skipped: this system does not tell how much memory a process took");
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "large::reads_what_it_is_asked_to", "--nocapture"]).env(ASKED, kind.as_str());
    let output = command.output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    println!("{said}");
    assert!(output.status.success() && said.contains("MB at most"), "{said}");
}

macro_rules! each_in_its_own_process {
    ($($test:ident = $kind:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                in_its_own_process(SourceKind::$kind);
            }
        )+
    };
}

each_in_its_own_process! {
    github = Github,
    gitlab = Gitlab,
    jira = Jira,
    sentry = Sentry,
    gitea = Gitea,
    bitbucket = Bitbucket,
    linear = Linear,
    slack = Slack,
}
