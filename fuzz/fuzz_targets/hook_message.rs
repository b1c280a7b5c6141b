#![no_main]

// Headers, an empty line and a body, as they come to `POST /v1/hooks/{hook}`.
libfuzzer_sys::fuzz_target!(|message: &[u8]| throughline_ingestion::fuzz::signed(message));
