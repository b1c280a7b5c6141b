#![no_main]

use throughline_platform::{
    Principal,
    seal::{Sealer, args_hash},
};

// Consistency tokens, cursors and page tokens: nothing is taken that was not sealed here.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    throughline_journal::fuzz::positions(bytes);
    let (sealer, principal, arguments) = (Sealer::new([7; 32]), Principal::service(), args_hash(&["parent"]));
    let text = String::from_utf8_lossy(bytes);
    assert!(text.is_empty() || sealer.open_page("page", &principal, &arguments, &text).is_err());
    let token = sealer.page_token("page", &principal, &arguments, bytes);
    match sealer.open_page("page", &principal, &arguments, &token) {
        Ok(opened) => assert_eq!(opened.as_deref(), Some(bytes)),
        Err(_) => assert!(token.len() > 16 * 1024, "a token of ours is opened unless it is longer than any"),
    }
});
