//! How many deliveries a webhook may bring.

use std::fmt;
use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::yaml::refusal;

const REMEDY: &str = "write it like 600/m or 10/s, or `{ per_minute: 600, burst: 100 }`";

/// A steady rate with room for bursts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Deliveries a minute in the long run.
    pub per_minute: NonZeroU32,
    /// Deliveries at once.
    pub burst: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateTable {
    per_minute: NonZeroU32,
    burst: Option<NonZeroU32>,
}

/// `600/m` is 600 a minute, also all at once; `10/s` is the same in the long run, 10 at once.
fn parse(text: &str) -> Option<Rate> {
    let (number, unit) = text.split_once('/')?;
    let burst: NonZeroU32 = number.trim_end().parse().ok()?;
    let per_minute = match unit.trim_start() {
        "m" => burst,
        "s" => burst.checked_mul(NonZeroU32::new(60)?)?,
        _ => return None,
    };
    Some(Rate { per_minute, burst })
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrMap;
        impl<'de> Visitor<'de> for TextOrMap {
            type Value = Rate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as 600/m")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                parse(text).ok_or_else(|| refusal(format!("`{text}` is no rate"), REMEDY))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Rate, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Rate, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rate, A::Error> {
                let RateTable { per_minute, burst } =
                    RateTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Rate { per_minute, burst: burst.unwrap_or(per_minute) })
            }
        }
        deserializer.deserialize_any(TextOrMap)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn rates_are_read_as_written() {
        for (text, expected) in [
            ("600/m", Some((600, 600))),
            ("10/s", Some((600, 10))),
            ("1 / m", Some((1, 1))),
            ("0/m", None),
            ("-1/m", None),
            ("1.5/s", None),
            ("600", None),
            ("600/h", None),
            ("600/min", None),
            ("4294967295/s", None),
            ("/m", None),
            ("", None),
        ] {
            let read = parse(text).map(|rate| (rate.per_minute.get(), rate.burst.get()));
            assert_eq!(read, expected, "{text}");
        }
    }
}
