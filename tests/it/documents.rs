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
fn glossary_lists_each_term_once_with_a_type_that_exists() {
    let text = document("docs/glossary.md");
    let mut terms = std::collections::BTreeSet::new();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| Term") && !row.starts_with("| ---")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [term, _, type_link] = cells[..] else { panic!("three cells, not {row}") };
        assert!(terms.insert(term), "{term} is listed twice");
        let (name, path) = type_link.trim_start_matches("[`").split_once("`](../").unwrap();
        let source = document(path.trim_end_matches(')'));
        let defined = ["struct", "enum", "trait", "message"].iter().any(|keyword| {
            let definition = format!("{keyword} {name}");
            source.match_indices(&definition).any(|(at, _)| {
                let next = source[at + definition.len()..].chars().next();
                next.is_some_and(|next| !next.is_alphanumeric() && next != '_')
            })
        });
        assert!(defined, "{term}: no {name} in {path}");
    }
    assert!(terms.len() >= 50, "{}", terms.len());
}

#[test]
fn the_profiles_of_the_walk_through_make_what_is_printed() {
    let text = document("docs/profiles.md");
    // A block of a language, as far as it is set in.
    let block = |language: &str, place: usize| {
        let fence = format!("```{language}");
        let begins = |line: &str| line.trim_start() == fence;
        let start = text.lines().enumerate().filter(|(_, line)| begins(line)).nth(place);
        let (start, fence) = start.unwrap_or_else(|| panic!("no block {place} of {language}"));
        let indent = fence.find('`').unwrap();
        let lines = text.lines().skip(start + 1).take_while(|line| !line.trim_start().starts_with("```"));
        lines.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    let scratch = throughline_testkit::Scratch::new();
    let check = |profile: String, sample: String| -> Vec<serde_json::Value> {
        let (profile_at, sample_at) = (scratch.path().join("keyboard.yaml"), scratch.path().join("sample"));
        std::fs::write(&profile_at, profile).unwrap();
        std::fs::write(&sample_at, sample).unwrap();
        let checked = std::process::Command::new(crate::suite::binary("throughline"))
            .args(["profile", "check"])
            .args([&profile_at, &sample_at])
            .args(["--rooftop", "RT1", "--zone", "America/New_York"])
            .output()
            .unwrap();
        let printed = String::from_utf8(checked.stdout).unwrap();
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let without_id = |line: &serde_json::Value| {
        let mut line = line.clone();
        if let Some(id) = line.pointer_mut("/events/0/id") {
            *id = "deal.vehicle.ready.ID".into();
        }
        line
    };
    let from_csv = check(block("yaml", 0), block("csv", 0));
    let told: Vec<serde_json::Value> =
        block("json", 0).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(from_csv.iter().map(without_id).collect::<Vec<_>>(), told);
    assert_eq!(from_csv.len(), 2);
    // The same event, the id too.
    assert_eq!(check(block("yaml", 1), block("xml", 0)), from_csv[..1]);
}
