//! One file while it is checked: where its keys stand, and what was found wrong with them.

use std::collections::HashSet;
use std::fmt::Display;
use std::ops::Range;

use config::yaml::{Place, Sources, Tree, YamlError};

/// Mistakes of one file that are told, at the most: each carries a copy of the text.
const TOLD: usize = 50;

/// The place of a key or value of one automation: in it, or else in its file's `defaults`.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    own: Option<&'a Tree>,
    under: Option<&'a Tree>,
    place: Option<Place>,
}

impl<'a> Spot<'a> {
    pub(super) fn new(own: &'a Tree, under: Option<&'a Tree>) -> Self {
        Self { own: Some(own), under, place: own.place() }
    }

    /// The value under a key; the whole where the key was not written.
    pub(super) fn at(self, key: &str) -> Self {
        let child = |tree: Option<&'a Tree>| tree.and_then(|tree| tree.get(key));
        let (own, under) = (child(self.own), child(self.under));
        let place = own.or(under).map_or(self.place, Tree::place);
        Self { own, under, place }
    }

    /// The key itself.
    pub(super) fn key(self, key: &str) -> Self {
        let name = |tree: Option<&'a Tree>| tree.and_then(|tree| tree.key_place(key));
        Self { place: name(self.own).or_else(|| name(self.under)).or(self.place), ..self.at(key) }
    }

    /// The element of a list; the whole where it is no list.
    pub(super) fn item(self, number: usize) -> Self {
        let list = self.own.or(self.under);
        match list.and_then(|list| list.items().get(number)) {
            Some(item) => Self { own: Some(item), under: None, place: item.place() },
            None => self,
        }
    }

    /// Whether the key was written.
    pub(super) fn has(self, key: &str) -> bool {
        [self.own, self.under].iter().flatten().any(|tree| tree.get(key).is_some())
    }
}

/// One file while it is checked.
pub(super) struct Page<'a> {
    sources: &'a Sources,
    mistakes: Vec<YamlError>,
    said: HashSet<(Option<Place>, String)>,
}

impl<'a> Page<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, mistakes: Vec::new(), said: HashSet::new() }
    }

    /// Notes what is wrong at a place; the same said of it again, through `defaults`, is one mistake.
    pub(super) fn say(&mut self, at: Spot<'_>, wrong: impl Display, remedy: impl Display) {
        let wrong = wrong.to_string();
        if self.mistakes.len() < TOLD && self.said.insert((at.place, wrong.clone())) {
            self.mistakes.push(self.sources.error_at(at.place, wrong).with_help(remedy));
        }
    }

    /// As [`Page::say`], about a part of the text that stands there.
    pub(super) fn say_of_part(
        &mut self,
        at: Spot<'_>,
        text: &str,
        part: Range<usize>,
        wrong: impl Display,
        remedy: impl Display,
    ) {
        let place = at.place.map(|place| self.sources.inside(place, text, part));
        self.say(Spot { place, ..at }, wrong, remedy);
    }

    pub(super) fn count(&self) -> usize {
        self.mistakes.len()
    }

    pub(super) fn mistakes(self) -> Vec<YamlError> {
        self.mistakes
    }
}
