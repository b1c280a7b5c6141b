#![no_main]

use throughline_deal_state::domain::filter::{Filter, Order};

// The filter and the order of ListDeals: the same text is read alike, and a mistake has its place in it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let end = text.chars().count() + 1;
    let filter = Filter::parse(text);
    assert_eq!(filter, Filter::parse(text));
    match filter {
        Ok(filter) => assert!(filter.nothing || !filter.states.is_empty()),
        Err(error) => assert!((1..=end.max(2_048)).contains(&error.at), "{error:?}"),
    }
    let _ = Order::parse(text);
});
