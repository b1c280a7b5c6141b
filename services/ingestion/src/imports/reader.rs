//! Reads the files of one upload, where reading blocks: rows become events, a bounded number at a time.

use std::{io, time::Duration};

use jiff::tz::TimeZone;
use throughline_adapters::{Changes, Event, Mapped, Mapper, Memory, Profile, Rows, unpack};
use throughline_proto::ingestion::v1::{BrokenRow, FileOutcome, ImportCounts};
use tokio::sync::mpsc::{Receiver, Sender};

use super::{
    counts::count,
    pieces::{End, Integrity, Piece, Pieces},
};

/// Events that are committed together, or a few more: those of a row come together.
const EVENTS: usize = 1_000;
/// Rows after which what they came to is saved though they gave few events.
const ROWS: u64 = 10_000;
/// Files after whose end what they came to is told, though they gave little.
const FILES: usize = 50;
/// How long the end of a file waits for another file to be told together with.
const GATHER: Duration = Duration::from_millis(50);
/// Broken rows of one file that are told; all are counted.
const TOLD: usize = 5;

/// What a stretch of rows came to: what is to be committed, and then saved.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Event>,
    /// Of this stretch alone, without what became of its events.
    pub(crate) counts: ImportCounts,
    /// The file that it ends in.
    pub(crate) file: u32,
    pub(crate) broken: Vec<BrokenRow>,
    /// Of the files that ended within it.
    pub(crate) outcomes: Vec<FileOutcome>,
    /// Of a table that is polled.
    pub(crate) changes: Option<Changes>,
    /// Nothing comes behind it.
    pub(crate) finish: bool,
}

/// For whom files are read.
pub(crate) struct Reading {
    pub(crate) profile: Profile,
    pub(crate) rooftop: String,
    pub(crate) codes: Vec<String>,
    pub(crate) zone: TimeZone,
    pub(crate) memory: Memory,
    pub(crate) done: Done,
}

/// What is durable already of an import of one file, which goes on behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) rows: u64,
    /// The file is counted.
    pub(crate) counted: bool,
    /// And that it failed.
    pub(crate) failed: bool,
}

/// Reads until the upload ends or breaks off, or nobody takes the batches.
pub(crate) fn read(reading: Reading, pieces: Receiver<Piece>, batches: &Sender<Batch>) {
    let Reading { profile, rooftop, codes, zone, memory, done } = reading;
    let mapper = Mapper::new(&profile, &rooftop, codes, zone).remembering(memory);
    let mut reader =
        Reader { profile: &profile, mapper, pieces: Pieces::new(pieces), batches, batch: Batch::default(), done };
    // What is read and not given on when the upload breaks off comes again.
    while let Some(piece) = reader.next() {
        let goes_on = match piece {
            Piece::Begin { ordinal } => reader.file(ordinal),
            Piece::Finish => {
                reader.batch.finish = true;
                let _ = reader.flush();
                return;
            }
            // Not between files.
            Piece::Chunk(_) | Piece::End(_) => return,
        };
        if goes_on.is_none() {
            return;
        }
    }
}

struct Reader<'r> {
    profile: &'r Profile,
    mapper: Mapper<'r>,
    pieces: Pieces,
    batches: &'r Sender<Batch>,
    batch: Batch,
    done: Done,
}

/// Why a file is not read on.
enum Stop {
    File(io::Error),
    /// Nobody takes the batches.
    Upload,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl Reader<'_> {
    /// What comes behind a file. Small ones are committed together, as long as there are more of them.
    fn next(&mut self) -> Option<Piece> {
        if !self.batch.outcomes.is_empty() {
            match self.pieces.next_within(GATHER) {
                Ok(piece) => return piece,
                Err(_) => self.flush()?,
            }
        }
        self.pieces.next()
    }

    /// Reads a file; none if the upload does not go on.
    fn file(&mut self, ordinal: u32) -> Option<()> {
        self.batch.file = ordinal;
        self.batch.counts.files += u32::from(!self.done.counted);
        let mut outcome = FileOutcome { ordinal, ..FileOutcome::default() };
        let read = self.rows(&mut outcome);
        let end = match read {
            Ok(()) => self.pieces.pass_over(),
            Err(Stop::File(error)) => {
                outcome.failure = told(&error);
                self.pieces.ended().unwrap_or(End::Of(Integrity::Whole))
            }
            Err(Stop::Upload) => return None,
        };
        match end {
            End::BrokeOff => return None,
            End::Of(integrity) if outcome.failure.is_empty() => outcome.failure = integrity.told().to_owned(),
            End::Of(_) => {}
        }
        let failed = !outcome.failure.is_empty();
        self.batch.counts.files_failed += u32::from(failed && !self.done.failed);
        self.batch.outcomes.push(outcome);
        if failed || self.batch.outcomes.len() >= FILES {
            // Its sender need not go on with it.
            self.flush()?;
        }
        (self.pieces.pass_over() != End::BrokeOff).then_some(())
    }

    fn rows(&mut self, outcome: &mut FileOutcome) -> Result<(), Stop> {
        let mut rows = Rows::begin(self.profile, unpack(self.pieces.clone())?)?;
        outcome.absent_columns = rows.absent().into_iter().map(str::to_owned).collect();
        // Read over, not mapped: what they gave is durable, and so is what is remembered of them.
        for _ in 0..self.done.rows {
            if rows.next()?.is_none() {
                break;
            }
        }
        let mut told = 0;
        while let Some(row) = rows.next()? {
            let counts = &mut self.batch.counts;
            counts.rows_read += 1;
            match row.map(|row| self.mapper.map(&row)) {
                Ok(Mapped::Events(events)) => {
                    counts.rows_kept += 1;
                    self.batch.events.extend(events);
                }
                Ok(Mapped::Nothing(why)) => count(&mut counts.rows_dropped, why.to_string(), 1),
                Err(broken) => {
                    if told < TOLD {
                        told += 1;
                        let (file, row, why) = (outcome.ordinal, broken.number, broken.why.to_string());
                        self.batch.broken.push(BrokenRow { file, row, why });
                    }
                    count(&mut counts.rows_broken, broken.why.into_owned(), 1);
                }
            }
            if self.batch.events.len() >= EVENTS || self.batch.counts.rows_read >= ROWS {
                self.flush().ok_or(Stop::Upload)?;
            }
        }
        Ok(())
    }

    /// Gives on what was read; none if nobody takes it.
    fn flush(&mut self) -> Option<()> {
        let next = Batch { file: self.batch.file, ..Batch::default() };
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.counts.bytes = self.pieces.take_bytes();
        batch.changes = self.profile.is_polled().then(|| self.mapper.memory().take_changes());
        self.batches.blocking_send(batch).ok()
    }
}

/// Why a file was not read to its end. No reader's message repeats what stands in it.
fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends in the middle: copy it again, then import it once more".to_owned(),
        _ => error.to_string(),
    }
}
