//! Sizes as people write them.

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::yaml::refusal;

/// A number of bytes: `1048576`, `512KiB`, `25MiB`, `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            n if n > 0 && n.is_multiple_of(1 << 30) => write!(f, "{}GiB", n >> 30),
            n if n > 0 && n.is_multiple_of(1 << 20) => write!(f, "{}MiB", n >> 20),
            n if n > 0 && n.is_multiple_of(1 << 10) => write!(f, "{}KiB", n >> 10),
            n => write!(f, "{n}"),
        }
    }
}

fn parse(text: &str) -> Option<Size> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit.trim_start() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift).map(Size)
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Size;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a size such as 25MiB")
            }
            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size(bytes))
            }
            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                self.visit_str(&bytes.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                parse(text).ok_or_else(|| {
                    refusal(format!("`{text}` is not a size"), "write it like 512KiB, 25MiB or 2GiB")
                })
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_written() {
        for (text, bytes) in
            [("0", 0), ("17", 17), ("4 KiB", 4096), ("25MiB", 25 << 20), ("2GiB", 2 << 30), ("9B", 9)]
        {
            assert_eq!(parse(text), Some(Size(bytes)), "{text}");
        }
        for text in
            ["", "MiB", "1.5GiB", "-1", "1MB", "1mib", "99999999999999999999", "18446744073709551615GiB"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_written_as_read() {
        for text in ["0", "17", "4KiB", "25MiB", "2GiB"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }
}
