#![no_main]

use throughline_process::Definition;

// What is accepted as a process definition survives being written, and answers whatever it is asked.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(definition) = Definition::from_json(text) else { return };
    let again = Definition::from_json(&definition.to_json()).expect("what was accepted is accepted again");
    assert_eq!(definition.version(), again.version());
    assert_eq!(definition.rank("deal.opened"), again.rank("deal.opened"));
});
