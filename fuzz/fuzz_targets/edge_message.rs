#![no_main]

libfuzzer_sys::fuzz_target!(|event: &[u8]| throughline_ingestion::fuzz::message(event));
