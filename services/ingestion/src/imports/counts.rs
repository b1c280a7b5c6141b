//! What became of files, rows and events.

use std::collections::BTreeMap;

use throughline_proto::ingestion::v1::{ImportCounts, Outcome};

use crate::intake::Answer;

/// Different reasons that are told apart; they name columns of the profile, so there are not many.
const MOST_REASONS: usize = 200;

/// Counts one for a reason.
pub(super) fn count(reasons: &mut BTreeMap<String, u64>, why: String, times: u64) {
    let why = if reasons.len() < MOST_REASONS || reasons.contains_key(&why) { why } else { "another".to_owned() };
    *reasons.entry(why).or_default() += times;
}

/// Adds what became of more.
pub(super) fn add(counts: &mut ImportCounts, more: &ImportCounts) {
    counts.files += more.files;
    counts.files_failed += more.files_failed;
    counts.bytes += more.bytes;
    counts.rows_read += more.rows_read;
    counts.rows_kept += more.rows_kept;
    counts.events += more.events;
    counts.accepted += more.accepted;
    counts.duplicate += more.duplicate;
    counts.quarantined += more.quarantined;
    for (reasons, more) in [
        (&mut counts.rows_dropped, &more.rows_dropped),
        (&mut counts.rows_broken, &more.rows_broken),
        (&mut counts.quarantined_reasons, &more.quarantined_reasons),
    ] {
        more.iter().for_each(|(why, times)| count(reasons, why.clone(), *times));
    }
}

/// Adds what became of events.
pub(super) fn settled(counts: &mut ImportCounts, answer: &Answer) {
    counts.events += answer.events.len() as u64;
    counts.accepted += u64::from(answer.accepted);
    counts.duplicate += u64::from(answer.duplicates);
    for event in &answer.events {
        if matches!(event.outcome, Outcome::Quarantined | Outcome::Refused) {
            counts.quarantined += 1;
            let why = event.why.as_ref().map_or("UNSPECIFIED", |why| why.reason_text());
            count(&mut counts.quarantined_reasons, why.to_owned(), 1);
        }
    }
}
