#![no_main]

/// With a header, without which a file is not read at all, and alone.
const HEADER: &[u8] = b"PolledUTC,VisitID,DealerID,StartUTCDate,EndUTCDate,StockNumber,WriteUp,EndReason\n";

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    throughline_fuzz::read("crm-visits", &[HEADER, file].concat());
    throughline_fuzz::read("crm-visits", file);
});
