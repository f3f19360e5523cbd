//! The name of an event, a line break, and a body.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::parse(schemas::event::SourceKind::Sentry, input));
