//! Where everything in a text stands, whatever it says.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Place, Placed};

/// A text as a tree of placed keys and values, so that a check can point at any of them.
#[derive(Debug, Clone)]
pub struct Tree {
    place: Option<Place>,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    Scalar,
    List(Vec<Tree>),
    Map(Vec<(Placed<String>, Tree)>),
}

impl Tree {
    /// Where it stands; of a list or map, where it begins.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Where a key itself stands.
    #[must_use]
    pub fn key_place(&self, key: &str) -> Option<Place> {
        self.entry(key).and_then(|(key, _)| key.place)
    }

    /// The elements of a list; of anything else none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Shape::List(items) = &self.shape { items } else { &[] }
    }

    fn entry(&self, key: &str) -> Option<&(Placed<String>, Self)> {
        let Shape::Map(entries) = &self.shape else { return None };
        entries.iter().find(|(name, _)| name.value == key)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placed { value, place } = Placed::<Shape>::deserialize(deserializer)?;
        Ok(Self { place, shape: value })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Placed<String>>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Shape::Map(entries))
    }
}
