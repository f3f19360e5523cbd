//! Numbers that a printed seed brings back.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
pub struct Random(pub u64);

impl Random {
    /// Seeded from `PULLWRIGHT_SEED`, else from a fresh id; the seed is printed.
    pub fn from_env() -> Self {
        let given = std::env::var("PULLWRIGHT_SEED").ok();
        let seed = given.map_or_else(fresh, |text| text.parse().expect("PULLWRIGHT_SEED is a number"));
        println!("PULLWRIGHT_SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

fn fresh() -> u64 {
    use schemas::Clock;
    let bytes = schemas::SystemClock::new().secret_bytes();
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}
