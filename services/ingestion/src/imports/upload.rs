//! One upload: its pieces are read in a thread, what they came to is committed and saved, and each step is told when it is durable.

use std::{pin::pin, time::Duration};

use throughline_adapters::Event;
use throughline_platform::{Failure, Principal, Reason};
use throughline_proto::{
    event::v1::Origin,
    ingestion::v1::{ImportCounts, Outcome, UploadImportResponse},
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Bringer, Imports, LONGEST_SILENCE, Prepared, Source,
    counts::{add, settled},
    pieces::Piece,
    reader::{self, Batch, Done, Reading},
    silent, taken_over,
};
use crate::{
    intake::{Answer, Incoming, Manner, Patience},
    store::{
        dropped,
        imports::{self, Held},
        polled,
    },
    wire::{mapped, result},
};

/// Pieces that wait to be read.
const WAITING_PIECES: usize = 2;
/// How often an uploader says that it is there, and looks whether the import still stands.
const ALIVE_EVERY: Duration = Duration::from_secs(2);

/// An upload under way.
pub(crate) struct Upload {
    imports: Imports,
    bringer: Bringer,
    source: Source,
    held: Held,
    table: Option<polled::Table>,
    manner: Manner,
    counts: ImportCounts,
    reading: Option<Reading>,
    file: Option<Dropped>,
    _place: OwnedSemaphorePermit,
}

/// The one file of an import that was dropped, and how far it is read.
#[derive(Clone, Debug)]
struct Dropped {
    held: dropped::Held,
    rows_done: u64,
    /// Why it failed, if it did.
    failure: String,
}

impl Upload {
    pub(crate) fn new(imports: Imports, bringer: Bringer, prepared: Prepared) -> Self {
        let Prepared { begun, source, profile, codes, zone, table, memory, place } = prepared;
        Self {
            imports,
            bringer,
            held: begun.held,
            table,
            manner: Manner {
                origin: if begun.live { Origin::Live } else { Origin::Backfill },
                actor: begun.actor,
                from_file: true,
            },
            counts: begun.counts,
            reading: Some(Reading {
                rooftop: source.rooftop.clone(),
                profile,
                codes,
                zone,
                memory,
                done: Done::default(),
            }),
            source,
            file: None,
            _place: place,
        }
    }

    /// The same for one dropped file, whose first rows are done.
    pub(crate) fn of_dropped(imports: Imports, held: dropped::Held, rows_done: u64, prepared: Prepared) -> Self {
        let mut upload = Self::new(imports, Bringer::Folder, prepared);
        let (counted, failed) = (upload.counts.files > 0, upload.counts.files_failed > 0);
        if let Some(reading) = &mut upload.reading {
            reading.done = Done { rows: rows_done, counted, failed };
        }
        upload.file = Some(Dropped { held, rows_done, failure: String::new() });
        upload
    }

    /// Reads what `feed` sends until it ends, and tells what is durable. What was not told when it fails comes again, with the
    /// same ids.
    pub(crate) async fn run<F>(
        mut self,
        feed: impl FnOnce(mpsc::Sender<Piece>) -> F,
        told: &mpsc::Sender<Result<UploadImportResponse, Failure>>,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let Some(reading) = self.reading.take() else { return Ok(()) };
        let (pieces, to_read) = mpsc::channel(WAITING_PIECES);
        let (read, batches) = mpsc::channel(1);
        let reader = tokio::task::spawn_blocking(move || reader::read(reading, to_read, &read));
        let (fed, committed) = {
            let mut feeding = pin!(feed(pieces));
            let mut committing = pin!(self.commit_all(batches, told));
            let mut fed = None;
            loop {
                tokio::select! {
                    outcome = &mut feeding, if fed.is_none() => fed = Some(outcome),
                    outcome = &mut committing => break (fed, outcome),
                }
            }
        };
        // Its sender is gone, so it ends.
        let ended = reader.await.map_err(Failure::internal);
        let (held, file, principal) = (self.held.clone(), self.file.take(), self.source.principal());
        let left = self.imports.cx.db.write(&principal, move |tx| {
            Box::pin(async move {
                imports::left(tx, &held).await?;
                match &file {
                    None => Ok::<_, Failure>(()),
                    Some(file) => dropped::left(tx, &file.held).await,
                }
            })
        });
        // It would be believed to be there for some seconds; that harms nothing.
        let _ = left.await;
        committed?;
        ended?;
        fed.unwrap_or(Ok(()))
    }

    async fn commit_all(
        &mut self,
        mut batches: mpsc::Receiver<Batch>,
        told: &mpsc::Sender<Result<UploadImportResponse, Failure>>,
    ) -> Result<(), Failure> {
        let mut alive = interval(ALIVE_EVERY);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batch = batches.recv() => {
                    let Some(batch) = batch else { return Ok(()) };
                    let response = self.commit(batch).await?;
                    let done = response.done;
                    let taken = timeout(LONGEST_SILENCE, told.send(Ok(response))).await.map_err(|_| silent())?;
                    taken.map_err(|_| Failure::cancelled())?;
                    if done {
                        return Ok(());
                    }
                }
                _ = alive.tick() => self.alive().await?,
            }
        }
    }

    /// Events first, then what is remembered of them: when the process dies in between, the same rows give the same events
    /// again, which are duplicates.
    async fn commit(&mut self, batch: Batch) -> Result<UploadImportResponse, Failure> {
        let principal = self.source.caller(&self.imports, &self.bringer).await?;
        let answer = self.append(&principal, &batch.events).await?;
        add(&mut self.counts, &batch.counts);
        settled(&mut self.counts, &answer);
        if let Some(file) = &mut self.file {
            file.rows_done += batch.counts.rows_read;
            file.failure.extend(batch.outcomes.iter().map(|outcome| outcome.failure.as_str()));
        }
        self.save(&principal, &batch).await?;
        let apart = answer.events.into_iter().filter(|event| is_apart(event.outcome));
        Ok(UploadImportResponse {
            counts: Some(self.counts.clone()),
            files: batch.outcomes,
            broken_rows: batch.broken,
            set_apart: apart.map(result::render).collect(),
            done: batch.finish,
        })
    }

    async fn append(&self, principal: &Principal, events: &[Event]) -> Result<Answer, Failure> {
        if events.is_empty() {
            return Ok(Answer::default());
        }
        let data: Vec<Vec<u8>> = events.iter().map(mapped::data).collect();
        let incoming = events
            .iter()
            .zip(&data)
            .map(|(event, data)| Incoming::Sent { id: &event.id, event: mapped::sent(event, data) });
        let intake = &self.imports.intake;
        let call = intake.prepare(principal, &self.manner, Patience::Wait, incoming).await?;
        let answer = intake.settle(call, Patience::Wait).await?;
        // What there was no room for must come again, and what a polled row is known to have given does not.
        let lost =
            answer.events.iter().find_map(|event| event.why.as_ref().filter(|why| why.reason() == Reason::Overloaded));
        match lost {
            Some(why) if self.table.is_some() => Err(why.clone()),
            _ => Ok(answer),
        }
    }

    async fn save(&self, principal: &Principal, batch: &Batch) -> Result<(), Failure> {
        let (held, table, now) = (self.held.clone(), self.table.clone(), self.imports.cx.clock.now());
        let (counts, changes) = (self.counts.clone(), batch.changes.clone());
        let (ordinal, finish, file) = (batch.file, batch.finish, self.file.clone());
        let saved = self.imports.cx.db.write(principal, move |tx| {
            Box::pin(async move {
                let mut mine = imports::save(tx, &held, &counts, ordinal, now).await?;
                if let (Some(table), Some(changes)) = (&table, &changes) {
                    mine = mine && polled::save(tx, table, &held, changes).await?;
                }
                if let Some(file) = &file {
                    mine = mine && dropped::save(tx, &file.held, file.rows_done, now).await?;
                    mine = mine && (!finish || dropped::end(tx, &file.held, &file.failure, now).await?);
                }
                if finish {
                    mine = mine && imports::finish(tx, &held, now).await?;
                }
                if mine { Ok(()) } else { Err(taken_over()) }
            })
        });
        self.or_shut_out(principal, saved.await).await
    }

    async fn alive(&self) -> Result<(), Failure> {
        let (held, file, principal) = (self.held.clone(), self.file.clone(), self.source.principal());
        let now = self.imports.cx.clock.now();
        let said = self.imports.cx.db.write(&principal, move |tx| {
            Box::pin(async move {
                let mut mine = imports::alive(tx, &held).await?;
                if let Some(file) = &file {
                    mine = mine && dropped::save(tx, &file.held, file.rows_done, now).await?;
                }
                if mine { Ok(()) } else { Err(taken_over()) }
            })
        });
        self.or_shut_out(&principal, said.await).await
    }

    /// Tells why, where this upload may not save any more.
    async fn or_shut_out(&self, principal: &Principal, saved: Result<(), Failure>) -> Result<(), Failure> {
        match saved {
            Err(failure) if failure.reason() == Reason::UploadTakenOver => {
                Err(self.imports.shut_out(principal, &self.held, &self.source.rooftop).await)
            }
            other => other,
        }
    }
}

fn is_apart(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Quarantined | Outcome::Refused)
}
