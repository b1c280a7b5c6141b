//! Dependencies point one way: proto <- platform <- journal <- services <- the command. `process` depends on no crate of
//! ours; `wire` converts between `proto` and `process`.
use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// What each of our crates may use of ours, tests left aside.
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let service: &[&str] = &["proto", "platform", "journal", "process", "wire"];
    Some(match name {
        "proto" | "process" | "adapters" | "servers" | "simulator" => &[],
        "wire" => &["proto", "process"],
        "platform" => &["proto"],
        "journal" => &["proto", "platform"],
        "testkit" => &["servers"],
        // Vendors' rows come in here.
        "ingestion" => &["proto", "platform", "journal", "process", "wire", "adapters"],
        "deal-state" | "rules" | "notification" | "reporting" => service,
        // The command composes everything.
        "throughline" | "tests" => return None,
        other => panic!("crate {other} has no place in the layers: give it one here and in ARCHITECTURE.md"),
    })
}

#[test]
fn dependencies_point_one_way() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let ours = |name: &str| name.strip_prefix("throughline-").unwrap_or(name).to_owned();
    let packages: BTreeMap<String, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (ours(package["name"].as_str().unwrap()), package))
        .collect();
    assert!(packages.len() >= 13, "{:?}", packages.keys());
    for (name, package) in &packages {
        let Some(allowed) = allowed(name) else { continue };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = ours(dependency["name"].as_str().unwrap());
            if dependency["kind"].is_null() && packages.contains_key(&used) {
                assert!(allowed.contains(&used.as_str()), "{name} must not depend on {used}");
            }
        }
    }
}
