//! Any body by a mapping.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::parse_mapped(input));
