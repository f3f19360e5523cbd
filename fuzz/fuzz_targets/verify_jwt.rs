//! A header's value, a line break, and a body.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::verify::jwt(input));
