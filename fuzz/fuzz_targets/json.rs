#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| throughline_fuzz::read("star-deals", file));
