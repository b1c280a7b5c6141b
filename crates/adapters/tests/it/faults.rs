//! What is wrong with a profile is told without what stands around it.
use throughline_adapters::Profile;

#[test]
fn the_lines_around_a_mistake_are_not_repeated() {
    for text in [
        "profile: x\nversion: one\n# CANARY row: Jane Doe\ntitle: CANARY",
        "profile: [x\nCANARY: \"Jane",
        "profile: x\nversion: 1\nversion: 2 # CANARY",
        "profile: *CANARY",
        "profile: !CANARY x",
        "profile: x\nversion: 1\ntitle: CANARY\nformat: csv\nsource: //x\nzone: UTC\nrow: [CANARY]\nevents: [{type: a.b, tim: 1}]",
    ] {
        let told = Profile::parse(text).unwrap_err().to_string();
        assert!(!told.contains("CANARY") && told.contains("line "), "{told}");
    }
}
