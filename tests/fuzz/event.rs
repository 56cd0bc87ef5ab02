//! See `usher::ingest::fuzz::event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| watch::watched(input, usher::ingest::fuzz::event));
