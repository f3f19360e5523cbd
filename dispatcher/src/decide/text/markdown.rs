//! Markdown, as GitHub, GitLab and most others render it.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Elements whose content is shown as somebody else's words, as code, as taken back, or not at once.
const QUOTING: [&str; 19] = [
    "blockquote",
    "code",
    "del",
    "details",
    "kbd",
    "listing",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "strike",
    "style",
    "summary",
    "template",
    "textarea",
    "tt",
    "var",
    "xmp",
];

/// The parts that are plain text: in no quote, code, link, HTML or comment.
pub(super) fn own_words(text: &str) -> Vec<Range<usize>> {
    let mut own = Vec::new();
    let mut nested = 0_usize;
    let mut elements: Vec<String> = Vec::new();
    let events = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).into_offset_iter();
    for (event, range) in events {
        match event {
            Event::Start(tag) if quotes(&tag) => {
                nested += 1;
                if tag == Tag::HtmlBlock {
                    follow(text.get(range).unwrap_or_default(), &mut elements);
                }
            }
            Event::End(tag) if quoted(tag) => nested = nested.saturating_sub(1),
            Event::InlineHtml(_) => follow(text.get(range).unwrap_or_default(), &mut elements),
            Event::Text(_) if nested == 0 && elements.is_empty() => own.push(range),
            _ => {}
        }
    }
    own
}

fn quotes(tag: &Tag<'_>) -> bool {
    quoted(tag.to_end())
}

fn quoted(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::BlockQuote(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image
    )
}

/// Keeps count of the quoting elements that are open: Markdown between their tags is still parsed.
fn follow(html: &str, open: &mut Vec<String>) {
    let mut rest = html;
    while let Some((_, from)) = rest.split_once('<') {
        if let Some(comment) = from.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (closes, name) = from.strip_prefix('/').map_or((false, from), |name| (true, name));
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
        if closes {
            if let Some(at) = open.iter().rposition(|element| *element == name) {
                open.truncate(at);
            }
        } else if QUOTING.contains(&name.as_str()) {
            open.push(name);
        }
        rest = from;
    }
}
