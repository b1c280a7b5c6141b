#![no_main]

// Headers, an empty line and a body, as they come to `POST /v1/events`.
libfuzzer_sys::fuzz_target!(|request: &[u8]| throughline_ingestion::fuzz::request(request));
