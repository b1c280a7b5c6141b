#![no_main]

use throughline_fuzz::read_with;

const PROFILE: &str =
    "{profile: x, version: 1, title: t, format: xml, element: deal, source: //dms.vendor/x, zone: UTC,
    row: [\"@id\", state], keys: {vin: car/vin}, subject: \"@id\",
    events: [{type: deal.opened, time: {at: {columns: [at], format: rfc3339}}}]}";

libfuzzer_sys::fuzz_target!(|file: &[u8]| read_with(PROFILE, file));
