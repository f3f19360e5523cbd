//! Time zones by their IANA names, from the database that is compiled in.
//!
//! Never the machine's own: it may be years old, and two dispatchers must agree on every tick.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::nearest::nearest;

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The longest name that is looked for; the longest that exists has 32 bytes.
const LONGEST_NAME: usize = 64;

/// A time zone of the bundled database; UTC unless said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A name that the bundled database does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{}`", name.escape_debug())]
pub struct UnknownZone {
    /// What was given.
    pub name: String,
    /// The zone that was probably meant.
    pub nearest: Option<String>,
}

impl Zone {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its IANA name: `Europe/Berlin`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    pub(super) fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    /// Finds a zone by its IANA name, whatever the case of its letters.
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let short = name.len() <= LONGEST_NAME;
        match short.then(|| BUNDLED.get(name)).and_then(Result::ok) {
            // `Etc/Unknown` and `Factory` mean "not configured", never a place.
            Some(zone) if !zone.is_unknown() && zone.iana_name() != Some("Factory") => Ok(Self(zone)),
            _ => Err(UnknownZone { name: name.to_owned(), nearest: short.then(|| meant(name)).flatten() }),
        }
    }
}

/// A near name, or the zone of a city that was given alone.
fn meant(given: &str) -> Option<String> {
    let names: Vec<String> = BUNDLED.available().map(|name| name.as_str().to_owned()).collect();
    let places = || names.iter().map(String::as_str).filter(|name| name.contains('/'));
    let city = |name: &str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(given));
    let spaced = given.trim().replace(' ', "_");
    nearest(&spaced, places()).or_else(|| places().find(|name| city(name))).map(str::to_owned)
}

impl UnknownZone {
    /// What to do about it, for people.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.nearest {
            Some(name) => format!("did you mean `{name}`?"),
            None => "name a zone of the IANA database, such as `Europe/Berlin` or `UTC`; \
                     abbreviations and offsets do not know daylight saving"
                .to_owned(),
        }
    }
}
