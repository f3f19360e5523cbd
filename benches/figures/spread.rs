//! Many measurements of one thing.

use std::fmt;
use std::time::Duration;

/// Durations, sorted.
#[derive(Debug, Default)]
pub struct Spread(Vec<Duration>);

impl FromIterator<Duration> for Spread {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut all: Vec<Duration> = durations.into_iter().collect();
        all.sort_unstable();
        Self(all)
    }
}

impl Spread {
    /// What `percent` of them do not exceed.
    pub fn at(&self, percent: usize) -> Duration {
        self.at_tenths(percent * 10)
    }

    /// What so many of a thousand do not exceed.
    pub fn at_tenths(&self, of_a_thousand: usize) -> Duration {
        let place = (self.0.len() * of_a_thousand).div_ceil(1000).max(1) - 1;
        self.0.get(place).copied().unwrap_or_default()
    }

    /// The middle one.
    pub fn median(&self) -> Duration {
        self.at(50)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999] = [500, 990, 999].map(|tenths| millis(self.at_tenths(tenths)));
        write!(f, "p50 {p50:>8}   p99 {p99:>8}   p99.9 {p999:>8}")
    }
}

/// The middle one of a few rates.
pub fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// `1.23 ms`
pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
