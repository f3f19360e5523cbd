//! Commands and mentions in what people write, and nothing of what they quote.

use dispatcher::decide::text::{commands, mentions};
use proptest::prelude::*;
use schemas::event::SourceKind::{self, Github, Jira, Slack};

fn found(source: SourceKind, text: &str) -> String {
    let lines = commands(source, text);
    lines.iter().map(|line| format!("{}|{}", line.word, line.rest)).collect::<Vec<_>>().join(" ")
}

#[test]
fn commands_of_markdown() {
    let rows = [
        ("/agent fix the login", "/agent|fix the login"),
        ("/agent", "/agent|"),
        ("  /agent fix  ", "/agent|fix"),
        ("Thanks!\n\n/agent fix\r\n", "/agent|fix"),
        ("Thanks!\n/agent fix", "/agent|fix"),
        ("/agent: fix", "/agent|fix"),
        ("/agent why\n\n/agent approve", "/agent|why /agent|approve"),
        ("/agent fix `a` <b>now</b>", "/agent|fix `a` <b>now</b>"),
        ("/agent fix_it_all now", "/agent|fix_it_all now"),
        ("1 < 2, List<String>\n\n/agent fix", "/agent|fix"),
        ("<b>bold</b>\n\n/agent fix", "/agent|fix"),
        ("> quoted\n\n/agent fix", "/agent|fix"),
        ("<details><summary>Log</summary>\n\n/agent old\n\n</details>\n\n/agent new", "/agent|new"),
        ("/agent fix\n---\nAna", "/agent|fix"),
        // No line of its own.
        ("please /agent fix", ""),
        ("- /agent fix", ""),
        ("# /agent fix", ""),
        ("**/agent fix**", ""),
        (r"\/agent fix", ""),
        ("//agent", ""),
        ("/ agent", ""),
        // Quotes.
        ("> /agent fix", ""),
        ("> > /agent fix", ""),
        ("> said\n/agent fix", ""),
        ("> - said\n>\n>   /agent fix", ""),
        ("<blockquote>\n\n/agent fix\n\n</blockquote>", ""),
        ("text <q>\n/agent fix\n</q>", ""),
        // Code.
        ("`/agent fix`", ""),
        ("`a\n/agent fix\n`", ""),
        ("```\n/agent fix\n```", ""),
        ("```\n/agent fix", ""),
        ("~~~ sh\n/agent fix\n~~~", ""),
        ("    /agent fix", ""),
        ("\t/agent fix", ""),
        ("<pre>\n\n/agent fix\n\n</pre>", ""),
        ("see <code>\n/agent fix\n</code>", ""),
        // HTML, comments, links, what was taken back.
        ("<!-- \n\n/agent fix\n-->", ""),
        ("text <!--\n/agent fix\n-->", ""),
        ("<div>\n/agent fix\n</div>", ""),
        ("~~no\n/agent fix\nno~~", ""),
        ("[a\n/agent fix\n](https://example.com)", ""),
        ("", ""),
    ];
    for (text, expected) in rows {
        assert_eq!(found(Github, text), expected, "{text:?}");
        assert_eq!(found(Slack, text), expected, "{text:?}");
    }
}

#[test]
fn commands_of_jira() {
    let rows = [
        ("/agent fix", "/agent|fix"),
        ("Hi\r\n  /agent fix\r\nBye", "/agent|fix"),
        ("{quote}old{quote}\n/agent fix", "/agent|fix"),
        ("{code:java}a{code}\n/agent fix {{x}}", "/agent|fix {{x}}"),
        ("use {x}\n/agent fix", "/agent|fix"),
        ("bq. /agent fix\n/agent why", "/agent|why"),
        ("{quote}\n/agent fix\n{quote}", ""),
        ("{code}\n/agent fix\n{code}", ""),
        ("{code:title=a|language=sh}\n/agent fix\n{code}", ""),
        ("{noformat}\n/agent fix\n{noformat}", ""),
        ("{noformat}\n/agent fix", ""),
        ("{{\n/agent fix\n}}", ""),
        ("{code}{quote}{code}{quote}\n/agent fix\n{quote}", ""),
        ("bq. /agent fix", ""),
        ("> /agent fix", ""),
        ("{quote}a{quote} /agent fix", ""),
        ("* /agent fix", ""),
    ];
    for (text, expected) in rows {
        assert_eq!(found(Jira, text), expected, "{text:?}");
    }
}

#[test]
fn mentions_are_whole_names() {
    let rows = [
        ("@pullwright fix", true),
        ("hi @Pullwright, please", true),
        ("ask @pullwright.", true),
        ("(@pullwright)", true),
        ("**@pullwright**", true),
        ("@pullwright-bot", false),
        ("@pullwright/team", false),
        ("@pullwright.dev", false),
        ("a@pullwright", false),
        (r"\@pullwright", false),
        ("> @pullwright fix", false),
        ("`@pullwright`", false),
        ("<!-- @pullwright -->", false),
        ("pullwright", false),
    ];
    for (text, expected) in rows {
        assert_eq!(mentions(Github, text, "@pullwright"), expected, "{text:?}");
    }
    assert!(mentions(Github, "ask @pull_wright_x now", "@pull_wright_x"));
    assert!(mentions(Jira, "[~bot] please", "[~bot]"));
    assert!(!mentions(Jira, "{quote}[~bot] please{quote}", "[~bot]"));
    assert!(!mentions(Github, "anything", ""));
}

/// Texts made of what has a meaning somewhere.
fn texts() -> impl Strategy<Value = String> {
    let pieces = [
        "/agent fix",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "> ",
        "`",
        "```",
        "~~~",
        "    ",
        "\t",
        "- ",
        "1. ",
        "# ",
        "<b>",
        "</b>",
        "<pre>",
        "</pre>",
        "<!--",
        "-->",
        "{quote}",
        "{code}",
        "{noformat}",
        "{{",
        "}}",
        "bq. ",
        "*",
        "_",
        "[a](b)",
        "&gt;",
        "\\",
        "ä",
        "word ",
        "---\n",
        "| a |",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..24)
        .prop_map(|pieces| pieces.concat())
}

fn each_line(text: &str, before: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(|line| format!("{before}{line}\n")).collect()
}

/// The text without a mark, also where taking one out made another.
fn without(text: &str, mark: &str) -> String {
    let mut text = text.to_owned();
    while text.contains(mark) {
        text = text.replace(mark, "");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn quoting_anything_never_yields_a_command(text in texts()) {
        let (none, fence) = (Vec::new(), "`".repeat(100));
        prop_assert_eq!(commands(Github, &each_line(&text, "> ")), none.clone());
        prop_assert_eq!(commands(Github, &each_line(&text, "    ")), none.clone());
        prop_assert_eq!(commands(Github, &format!("{fence}\n{text}\n{fence}")), none.clone());
        let comment = without(&text, "-->");
        prop_assert_eq!(commands(Github, &format!("<!--\n{comment}\n-->")), none.clone());
        for name in ["quote", "code", "noformat"] {
            let around = format!("{{{name}}}");
            let inside = without(&text, &around);
            prop_assert_eq!(commands(Jira, &format!("{around}{inside}{around}")), none.clone());
        }
        prop_assert_eq!(commands(Jira, &each_line(&text, "bq. ")), none);
    }

    #[test]
    fn a_line_of_its_own_is_always_found_first(text in texts()) {
        prop_assert_eq!(&commands(Github, &format!("/agent go\n\n{text}"))[0].rest, "go");
        prop_assert_eq!(&commands(Jira, &format!("/agent go\n{text}"))[0].rest, "go");
    }

    #[test]
    fn no_text_is_too_strange(text in ".{0,200}") {
        for source in [Github, Jira] {
            let _ = commands(source, &text);
            let _ = mentions(source, &text, "@a");
        }
    }
}
