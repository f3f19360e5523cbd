//! Who wrote something, where it was a Pullwright: which installation, and in how long a chain of
//! causes. A marker proves nothing, since anybody may copy one; it only ever makes us do less.

use std::fmt;

use super::MARKER;

/// What a commit's trailer begins with.
pub const TRAILER: &str = "Pullwright-Origin: ";

/// Deeper claims than this are all alike.
const DEEPEST: u32 = 1_000;

/// The origin that an object or commit carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The installation.
    pub instance: String,
    /// How many runs caused each other, up to the one that wrote it.
    pub depth: u32,
}

impl Origin {
    /// Every origin in a text, its quotes aside: a marker counts at the beginning of a line.
    #[must_use]
    pub fn all_in(text: &str) -> Vec<Self> {
        let marker = format!("{MARKER}origin ");
        let lines = text.lines().map(str::trim_start);
        let marked = lines.filter_map(|line| {
            let inside = line.strip_prefix(marker.as_str()).and_then(|rest| rest.split_once("-->"));
            inside.map(|(inside, _)| inside).or_else(|| line.strip_prefix(TRAILER))
        });
        marked.filter_map(Self::read).collect()
    }

    /// The last line of a commit's message.
    #[must_use]
    pub fn trailer(&self) -> String {
        format!("{TRAILER}{} {}\n", self.instance, self.depth)
    }

    fn read(words: &str) -> Option<Self> {
        let (instance, depth) = words.trim().split_once(' ')?;
        Some(Self { instance: instance.to_owned(), depth: depth.parse::<u32>().ok()?.min(DEEPEST) })
    }
}

/// The hidden marker of comments and pull requests.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARKER}origin {} {} -->", self.instance, self.depth)
    }
}
