//! The samples' 82,307 lines: every line accounted for, every wait equal to the truth, any order the same state.
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use throughline_testkit::{Scratch, connect, samples};

use crate::{
    books,
    suite::{Suite, scratch_suite},
};

/// Minutes by which a wait may differ: the truth is rounded to hundredths.
const TOLERANCE: f64 = 0.02;

/// Every line of both files, in order of arrival.
pub fn lines(samples: &Path) -> Vec<String> {
    ["history.jsonl.gz", "test.jsonl.gz"]
        .iter()
        .flat_map(|file| lines_of(&samples.join("samples/store-days").join(file)))
        .collect()
}

/// The lines of one compressed file.
pub fn lines_of(file: &Path) -> Vec<String> {
    let file = std::fs::File::open(file).unwrap();
    BufReader::new(GzDecoder::new(file)).lines().map(Result::unwrap).collect()
}

pub fn write_lines(path: &Path, lines: &[String]) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    file.flush().unwrap();
}

/// An order that a seed decides, far from the one of arrival.
pub fn shuffled(lines: &[String], seed: u64) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut state = seed;
    for last in (1..lines.len()).rev() {
        // SplitMix64, so that a failure can be repeated.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        lines.swap(last, ((mixed ^ (mixed >> 31)) % (last as u64 + 1)) as usize);
    }
    lines
}

async fn import(suite: &Suite, file: &Path) -> Value {
    suite.run(&["import", "--create-rooftops", file.to_str().unwrap()]).await.line()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_are_accounted_for_and_equal_the_truth() {
    let Some(samples) = samples() else { return };
    let (_scratch, suite) = scratch_suite(&[]).await;
    let history = samples.join("samples/store-days/history.jsonl.gz");
    let test = samples.join("samples/store-days/test.jsonl.gz");
    let files = [history.to_str().unwrap(), test.to_str().unwrap()];

    let first = suite.run(&["import", "--create-rooftops", files[0], files[1]]).await.line();
    assert_eq!(first, json!({"read": 82_307, "accepted": 81_541, "duplicate": 766, "quarantined": 0}));

    let report = suite.run(&["report", "--by", "deal", "--format", "json", "--timeout", "240s"]).await;
    books::assert_rows_were_reached_by_key(&mut connect(&suite.postgres_url()).await).await;
    assert!(report.status.success(), "{}", report.stderr);
    every_wait_equals_the_truth(&samples, &report.json());

    let hash = suite.state_hash().await;
    let again = suite.run(&["import", "--create-rooftops", files[0], files[1]]).await.line();
    assert_eq!(again, json!({"read": 82_307, "accepted": 0, "duplicate": 82_307, "quarantined": 0}));
    assert_eq!(suite.state_hash().await, hash);

    let all = lines(&samples);
    // The same events in another order, into another folder.
    let (scratch, other) = scratch_suite(&[]).await;
    let mixed = shuffled(&all, 20_261_124);
    let missing = mixed.last().unwrap().clone();
    let without: Vec<String> = mixed.iter().filter(|line| **line != missing).cloned().collect();
    let file = scratch.path().join("mixed.jsonl");
    write_lines(&file, &without);
    import(&other, &file).await;
    assert_ne!(other.state_hash().await, hash, "one line fewer is another state");
    write_lines(&file, &[missing]);
    import(&other, &file).await;
    assert_eq!(other.state_hash().await, hash, "any order ends in the same state");
    assert!(suite.stop().await.success());
    assert!(other.stop().await.success());
}

fn every_wait_equals_the_truth(samples: &Path, report: &[Value]) {
    let mut waits = BTreeMap::new();
    for line in report {
        let key = (line["rooftop"].as_str().unwrap().to_owned(), line["subject"].as_str().unwrap().to_owned());
        assert!(waits.insert(key, line["waits"].clone()).is_none(), "a deal is listed twice: {line}");
    }
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(samples.join("samples/store-days/truth.json.gz")).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let truth: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(truth.len(), 2_025);
    let mut compared = 0;
    for deal in &truth {
        let key = (deal["rooftop"].as_str().unwrap().to_owned(), deal["deal"].as_str().unwrap().to_owned());
        let ours = waits.get(&key).unwrap_or_else(|| panic!("{key:?} is missing"));
        let theirs = deal["waits"].as_object().unwrap();
        assert_eq!(ours.as_object().unwrap().len(), theirs.len(), "{key:?}: {ours} against {theirs:?}");
        for (name, minutes) in theirs {
            let ours = ours[name].as_f64().unwrap_or_else(|| panic!("{key:?} has no {name}"));
            assert!((ours - minutes.as_f64().unwrap()).abs() <= TOLERANCE, "{key:?} {name}: {ours} against {minutes}");
            compared += 1;
        }
    }
    assert_eq!(compared, 3_620);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_event_is_told_and_the_rest_goes_on() {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), &[]).await;
    let event = |id: &str, time: &str| {
        json!({"specversion": "1.0", "id": id, "source": "//dms.example/A1", "type": "deal.opened", "rooftop": "A1",
               "subject": format!("D-{id}"), "time": time, "data": {"kind": "new"}})
        .to_string()
    };
    let file = scratch.path().join("mixed.jsonl");
    let day = "2026-09-07T10:00:00Z";
    write_lines(
        &file,
        &[event("1", day), "{not json".to_owned(), event("2", "yesterday"), String::new(), event("3", day)],
    );
    let printed = suite.run(&["import", "--create-rooftops", file.to_str().unwrap()]).await;
    assert_eq!(printed.line(), json!({"read": 4, "accepted": 2, "duplicate": 0, "quarantined": 2}));
    assert!(printed.stderr.contains("mixed.jsonl:2"), "{}", printed.stderr);
    assert!(printed.stderr.contains("event 2: quarantined"), "{}", printed.stderr);
    assert!(!printed.stderr.contains("not json"), "the content of a bad line is nobody's business");
    assert!(suite.stop().await.success());
}
