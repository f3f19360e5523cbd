//! Laying one reading of the configuration over another, key by key.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Deserializer;

use crate::yaml::Placed;

/// Something that a later layer may override in part.
pub(crate) trait Layer {
    /// Takes from `over` what it sets.
    fn overlay(&mut self, over: Self);
}

impl<T> Layer for Option<T> {
    fn overlay(&mut self, over: Self) {
        if over.is_some() {
            *self = over;
        }
    }
}

impl<T: Layer> Layer for Placed<T> {
    fn overlay(&mut self, over: Self) {
        self.value.overlay(over.value);
    }
}

/// A section that may be absent altogether, and is overridden key by key where it is not.
#[derive(Debug)]
pub(crate) struct Part<T>(pub(crate) Option<Placed<T>>);

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

impl<T: Layer> Layer for Part<T> {
    fn overlay(&mut self, over: Self) {
        match (&mut self.0, over.0) {
            (Some(base), Some(over)) => base.overlay(over),
            (base, over) => base.overlay(over),
        }
    }
}

/// A variable's name has neither `-` nor lower case, so `MY_FORGE` reaches the key `my-forge`.
impl<K: Ord + Clone + AsRef<str>, T: Layer> Layer for BTreeMap<K, T> {
    fn overlay(&mut self, over: Self) {
        for (key, value) in over {
            let same = |known: &&K| folded(known.as_ref()) == folded(key.as_ref());
            let known = self.keys().find(same).cloned();
            match known.and_then(|known| self.get_mut(&known)) {
                Some(base) => base.overlay(value),
                None => {
                    self.insert(key, value);
                }
            }
        }
    }
}

fn folded(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

/// A part of the file: every key may be absent, none may be unknown.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident : $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($(#[$attr])* pub(crate) $field: $type,)*
        }

        impl $crate::layer::Layer for $name {
            fn overlay(&mut self, over: Self) {
                $($crate::layer::Layer::overlay(&mut self.$field, over.$field);)*
            }
        }
    };
}
pub(crate) use section;
