//! What is known to be true, from files: a folder a rooftop, in it `keys.csv` and `truth.jsonl`.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Deserialize;

use super::score::{Kind, Number, Truth};

/// The columns of `keys.csv` that hold numbers of a deal; those that are there are read.
const NUMBERS: [(&str, Kind); 7] = [
    ("visit", Kind::Visit),
    ("deal_no", Kind::DmsDeal),
    ("app", Kind::Application),
    ("stock", Kind::Stock),
    ("vin", Kind::Vin),
    ("lead", Kind::Lead),
    ("trade_vin", Kind::Trade),
];
/// What is known to be true, by the names of its files.
const KEYS: &str = "keys.csv";
const EVENTS: &str = "truth.jsonl";
/// Folders below a rooftop's, and bytes of one of its files, that are looked through for numbers.
const DEEPEST: usize = 4;
const LARGEST: u64 = 256 * 1024 * 1024;

/// Reads the folders of a folder, each named as its rooftop.
///
/// # Errors
/// If there are none, or one of them lacks a file or holds one that cannot be read; with file and line.
pub fn read(folder: &Path) -> anyhow::Result<BTreeMap<String, Truth>> {
    let told = || format!("cannot read the folder {}", folder.display());
    let mut rooftops = BTreeMap::new();
    for entry in folder.read_dir().with_context(told)? {
        let path = entry.with_context(told)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') {
            rooftops.insert(name.to_owned(), of(&path)?);
        }
    }
    anyhow::ensure!(!rooftops.is_empty(), "no folder of a rooftop in {}", folder.display());
    Ok(rooftops)
}

fn of(folder: &Path) -> anyhow::Result<Truth> {
    let mut truth = Truth::default();
    for (name, parse) in [(KEYS, parse_keys as fn(&str, &mut Truth) -> _), (EVENTS, parse_events)] {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        parse(&text, &mut truth).with_context(|| path.display().to_string())?;
    }
    look_for_numbers(folder, &mut truth, DEEPEST)?;
    Ok(truth)
}

/// Looks for the numbers in the files that stand beside the truth: only what occurs there can be linked.
fn look_for_numbers(folder: &Path, truth: &mut Truth, deep: usize) -> anyhow::Result<()> {
    let told = || format!("cannot read {}", folder.display());
    for entry in folder.read_dir().with_context(told)? {
        let entry = entry.with_context(told)?;
        let (path, kind) = (entry.path(), entry.file_type().with_context(told)?);
        let is_truth = [KEYS, EVENTS].iter().any(|name| entry.file_name() == **name);
        if kind.is_dir() && deep > 0 {
            look_for_numbers(&path, truth, deep - 1)?;
        } else if kind.is_file() && !is_truth && entry.metadata().with_context(told)?.len() <= LARGEST {
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&bytes);
            let known = truth.values();
            let words: BTreeSet<&str> = text.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
            let is_word = |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let occurs = |value: &&str| if is_word(value) { words.contains(value) } else { text.contains(*value) };
            let found: BTreeSet<String> = known.into_iter().filter(occurs).map(str::to_owned).collect();
            truth.occur(found);
        }
    }
    Ok(())
}

/// Reads comma-separated lines under a header; quotes are refused, since no key needs them.
fn parse_keys(text: &str, truth: &mut Truth) -> anyhow::Result<()> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let (_, header) = lines.next().context("line 1: a header is missing")?;
    let header: Vec<&str> = header.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
    let find = |column: &str| {
        let found = header.iter().position(|name| *name == column);
        found.with_context(|| format!("line 1: column {column} is missing"))
    };
    let deal_column = find("truth_deal")?;
    let columns: Vec<(usize, Kind)> =
        NUMBERS.into_iter().filter_map(|(column, kind)| Some((find(column).ok()?, kind))).collect();
    anyhow::ensure!(columns.len() > 1, "line 1: two columns of numbers at least are needed, such as visit and deal_no");
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        anyhow::ensure!(!line.contains('"'), "line {at}: quotes are not read here");
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        anyhow::ensure!(
            values.len() == header.len(),
            "line {at}: {} values under {} columns",
            values.len(),
            header.len()
        );
        let deal = values[deal_column];
        anyhow::ensure!(!deal.is_empty(), "line {at}: truth_deal is empty");
        for (column, kind) in &columns {
            let value = values[*column];
            if !value.is_empty() {
                truth.link(Number::new(*kind, value), deal);
            }
        }
    }
    Ok(())
}

/// What is read of a canonical event.
#[derive(Deserialize)]
struct Line {
    r#type: String,
    time: String,
    subject: Option<String>,
}

fn parse_events(text: &str, truth: &mut Truth) -> anyhow::Result<()> {
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = at + 1;
        let line: Line = serde_json::from_str(line).with_context(|| format!("line {at}: not an event"))?;
        let time: Timestamp =
            line.time.parse().ok().with_context(|| format!("line {at}: its time is no instant (RFC 3339)"))?;
        if let Some(deal) = line.subject.filter(|deal| !deal.is_empty()) {
            truth.happened(&deal, &line.r#type, time);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "visit,lead,deal_no,app,stock,vin,trade_vin,truth_deal\n";

    fn refused(parse: fn(&str, &mut Truth) -> anyhow::Result<()>, text: &str) -> String {
        parse(text, &mut Truth::default()).unwrap_err().to_string()
    }

    #[test]
    fn keys_link_what_stands_in_one_row_and_empty_ones_nothing() {
        let mut truth = Truth::default();
        parse_keys(&format!("{HEADER}7,9,48,,N1,V,,T1\r\n\n8,9,49,A2,N1,V,,T2\n"), &mut truth).unwrap();
        let (seven, eight) = (Number::new(Kind::Visit, "7"), Number::new(Kind::Visit, "8"));
        let (first, second) = (Number::new(Kind::DmsDeal, "48"), Number::new(Kind::DmsDeal, "49"));
        let application = Number::new(Kind::Application, "A2");
        let linking = |number: &Number| number.kind <= Kind::Application;
        let found: Vec<_> = truth.pairs().into_iter().filter(|(one, other)| linking(one) && linking(other)).collect();
        let expected = [(&seven, &first), (&eight, &second), (&eight, &application), (&second, &application)];
        assert_eq!(found, expected);
        assert_eq!(truth.pairs().len(), 10 + 15 - 3, "lead, stock number and VIN stand in both");
        assert!(!truth.knows(&Number::new(Kind::Application, "")));
    }

    #[test]
    fn keys_that_cannot_be_read_are_named_by_line() {
        assert_eq!(refused(parse_keys, ""), "line 1: a header is missing");
        assert_eq!(refused(parse_keys, "visit,deal_no,app\n"), "line 1: column truth_deal is missing");
        assert_eq!(refused(parse_keys, &format!("{HEADER}7,9\n")), "line 2: 2 values under 8 columns");
        assert_eq!(refused(parse_keys, &format!("{HEADER}\n\"7\",9,,,,,,T\n")), "line 3: quotes are not read here");
        assert_eq!(refused(parse_keys, &format!("{HEADER}7,9,,,,,,\n")), "line 2: truth_deal is empty");
    }

    #[test]
    fn events_that_cannot_be_read_are_named_by_line() {
        let good = r#"{"type": "staff.on_shift", "time": "2026-09-07T13:00:00Z"}"#;
        assert_eq!(refused(parse_events, &format!("{good}\n[1]\n")), "line 2: not an event");
        let bad = r#"{"type": "deal.opened", "subject": "T1", "time": "noon"}"#;
        assert_eq!(refused(parse_events, &format!("{good}\n\n{bad}")), "line 3: its time is no instant (RFC 3339)");
    }

    #[test]
    fn a_folder_without_a_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("no folder of a rooftop"));
        fs::create_dir(folder.path().join("RT1")).unwrap();
        fs::write(folder.path().join("RT1/keys.csv"), HEADER).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("RT1/truth.jsonl"), "{error}");
    }
}
