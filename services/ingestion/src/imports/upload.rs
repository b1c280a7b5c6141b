//! One upload: its pieces are read in a thread, what they came to is committed and saved, and each step is told when it is durable.

use std::{pin::pin, time::Duration};

use axum::http::HeaderValue;
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
    Imports, LONGEST_SILENCE, Prepared, Source,
    counts::{add, settled},
    pieces::Piece,
    reader::{self, Batch, Reading},
    silent, taken_over,
};
use crate::{
    intake::{Answer, Incoming, Manner, Patience},
    store::{
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
    /// Asked for with each commit: an upload outlives no key by much.
    credentials: Option<HeaderValue>,
    source: Source,
    held: Held,
    table: Option<polled::Table>,
    manner: Manner,
    counts: ImportCounts,
    reading: Option<Reading>,
    _place: OwnedSemaphorePermit,
}

impl Upload {
    pub(crate) fn new(imports: Imports, credentials: Option<HeaderValue>, prepared: Prepared) -> Self {
        let Prepared { begun, source, profile, codes, zone, table, memory, place } = prepared;
        Self {
            imports,
            credentials,
            held: begun.held,
            table,
            manner: Manner { origin: Origin::Backfill, actor: begun.actor },
            counts: begun.counts,
            reading: Some(Reading { rooftop: source.rooftop.clone(), profile, codes, zone, memory }),
            source,
            _place: place,
        }
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
        let (held, principal) = (self.held.clone(), self.source.principal());
        let left =
            self.imports.cx.db.write(&principal, move |tx| Box::pin(async move { imports::left(tx, &held).await }));
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
        let principal = self.source.caller(&self.imports, self.credentials.as_ref()).await?;
        let answer = self.append(&principal, &batch.events).await?;
        add(&mut self.counts, &batch.counts);
        settled(&mut self.counts, &answer);
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
        let (file, finish) = (batch.file, batch.finish);
        let saved = self.imports.cx.db.write(principal, move |tx| {
            Box::pin(async move {
                let mut mine = imports::save(tx, &held, &counts, file, now).await?;
                if let (Some(table), Some(changes)) = (&table, &changes) {
                    mine = mine && polled::save(tx, table, &held, changes).await?;
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
        let (held, principal) = (self.held.clone(), self.source.principal());
        let said = self.imports.cx.db.write(&principal, move |tx| {
            Box::pin(async move { if imports::alive(tx, &held).await? { Ok(()) } else { Err(taken_over()) } })
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
