//! Documents that can be checked are.
use std::path::Path;

use throughline_proto::error::v1::Reason;

fn document(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn every_reason_has_an_anchor_and_every_anchor_a_reason() {
    let text = document("docs/errors.md");
    let anchors: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let reasons: Vec<&str> = (1..)
        .map_while(|number| Reason::try_from(number).ok())
        .map(|reason| reason.as_str_name().trim_start_matches("REASON_"))
        .collect();
    assert!(reasons.len() >= 26);
    assert_eq!(anchors, reasons, "docs/errors.md lists the reasons of error.proto in their order");
}

#[test]
fn every_command_of_the_readme_exists() {
    let help = std::process::Command::new(crate::suite::binary("throughline")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let text = document("README.md");
    let mut named = 0;
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("throughline ") else { continue };
        let command = rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap_or_default();
        if line.trim_start().starts_with("throughline ") {
            assert!(
                help.contains(&format!("  {command}")),
                "README names `throughline {command}`, which is no command"
            );
            named += 1;
        }
    }
    assert!(named >= 5, "the README shows the commands");
}

#[test]
fn every_place_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = document("ARCHITECTURE.md");
    let mut named = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        let whole = ["crates/", "services/", "tests/", "proto/", "docs/"].iter().any(|top| quoted.starts_with(top));
        if whole && !quoted.contains(['*', '(', ' ']) {
            let place = root.join(quoted);
            assert!(
                place.exists() || place.with_extension("").is_dir(),
                "ARCHITECTURE.md names {quoted}, which is not there"
            );
            named += 1;
        }
    }
    assert!(named >= 20, "{named}");
}

#[test]
fn the_profile_of_the_walk_through_makes_what_is_printed() {
    let text = document("docs/profiles.md");
    // The first block of a language, as far as it is set in.
    let block = |language: &str| {
        let mut lines = text.lines().skip_while(|line| line.trim_start() != format!("```{language}"));
        let indent = lines.next().unwrap_or_else(|| panic!("no {language}")).find('`').unwrap();
        let lines = lines.take_while(|line| !line.trim_start().starts_with("```"));
        lines.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    let scratch = throughline_testkit::Scratch::new();
    let (profile, sample) = (scratch.path().join("keyboard.yaml"), scratch.path().join("sample.csv"));
    std::fs::write(&profile, block("yaml")).unwrap();
    std::fs::write(&sample, block("csv")).unwrap();
    let checked = std::process::Command::new(crate::suite::binary("throughline"))
        .args(["profile", "check"])
        .args([&profile, &sample])
        .args(["--rooftop", "RT1", "--zone", "America/New_York"])
        .output()
        .unwrap();
    let lines = |text: &str| -> Vec<serde_json::Value> {
        text.lines()
            .map(|line| {
                let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
                if let Some(id) = line.pointer_mut("/events/0/id") {
                    *id = "deal.vehicle.ready.ID".into();
                }
                line
            })
            .collect()
    };
    let (printed, told) = (String::from_utf8(checked.stdout).unwrap(), block("json"));
    assert_eq!(lines(&printed), lines(&told), "{}", String::from_utf8_lossy(&checked.stderr));
    assert_eq!(lines(&printed).len(), 2);
}
