//! What changes on a board although no entry says so: how fresh sources are, which steps no source reports, and deals that
//! leave it because nothing was heard of them for too long.

use std::time::Duration;

use throughline_platform::Failure;
use throughline_process::{Health, Judged};
use throughline_proto::{
    deal::v1 as pb,
    time::{duration_to_wire, to_wire},
};
use tokio::time::Instant;

use super::Board;
use crate::{
    domain::{board, id::DealId},
    store, wire,
};

/// Deals that leave the board by time alone are looked up at most this often.
const AGED_EVERY: Duration = Duration::from_secs(10);
/// Deals that are sent again when a source turns; a rooftop has fewer open ones.
const MAX_TURNED: usize = 2_000;

impl Board {
    /// The sources of which something else was sent last, or nothing.
    pub(super) async fn freshness(&mut self, rooftops: &[String]) -> Result<Vec<pb::SourceAsOf>, Failure> {
        let (group, rooftops) = (self.principal.group.clone(), rooftops.to_vec());
        let sources = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| Box::pin(async move { store::sources(tx, &group, &rooftops).await }))
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let now = self.deals.cx.platform.clock.now();
        self.silent_at = sources.iter().filter_map(|source| source.judged.stale_at).filter(|at| *at > now).min();
        self.evidence.extend(super::super::evidence_of(&sources));
        let mut changed = Vec::new();
        for source in sources {
            let name = (source.rooftop.clone(), source.source.clone());
            let as_of = as_of(source, now);
            let before = self.fresh.insert(name, as_of.clone());
            if before.as_ref() != Some(&as_of) {
                if before.is_some_and(|before| before.stale != as_of.stale) {
                    self.turned.insert(as_of.rooftop.clone());
                }
                changed.push(as_of);
            }
        }
        Ok(changed)
    }

    /// Deals of rooftops in which a source has fallen silent or returned: what they wait for may read otherwise.
    pub(super) async fn turned(&mut self) -> Result<Vec<pb::BoardEntry>, Failure> {
        let turned: Vec<String> = std::mem::take(&mut self.turned).into_iter().collect();
        if turned.is_empty() {
            return Ok(Vec::new());
        }
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let (deals, next) = self.deals_behind(&turned, after).await?;
            entries.extend(deals.iter().map(|deal| self.entry(deal)).filter(|entry| !entry.intervals.is_empty()));
            match next {
                Some(next) if entries.len() < MAX_TURNED => after = Some(next),
                _ => return Ok(entries),
            }
        }
    }

    /// Those of the rooftops of which other steps were last sent as unobserved, with the steps that are now.
    pub(super) async fn unobserved(
        &mut self,
        rooftops: &[String],
    ) -> Result<(Vec<String>, Vec<pb::UnobservedStep>), Failure> {
        if rooftops.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (group, asked) = (self.principal.group.clone(), rooftops.to_vec());
        let observed = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| Box::pin(async move { store::watched_observed(tx, &group, &asked).await }))
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let (mut changed, mut steps) = (Vec::new(), Vec::new());
        for rooftop in rooftops {
            let Some(process) = self.processes.get(rooftop) else { continue };
            let types = process.events.iter().map(|event| &event.event_type);
            let observed = observed.get(rooftop);
            let missing: Vec<String> =
                types.filter(|of| observed.is_none_or(|observed| !observed.contains(*of))).cloned().collect();
            if self.unobserved.get(rooftop) != Some(&missing) {
                changed.push(rooftop.clone());
                let step = |event_type: &String| pb::UnobservedStep {
                    rooftop: rooftop.clone(),
                    event_type: event_type.clone(),
                };
                steps.extend(missing.iter().map(step));
                self.unobserved.insert(rooftop.clone(), missing);
            }
        }
        Ok((changed, steps))
    }

    /// Deals that left the board since the last look because nothing was heard of them for too long.
    pub(super) async fn aged(&mut self, rooftops: &[String]) -> Result<Vec<String>, Failure> {
        if self.aged_looked.is_some_and(|looked| Instant::now() < looked + AGED_EVERY) {
            return Ok(Vec::new());
        }
        let now = self.deals.cx.platform.clock.now();
        let (from, until) = (board::heard_since(self.aged_until), board::heard_since(now));
        let (group, rooftops) = (self.principal.group.clone(), rooftops.to_vec());
        let aged = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| {
                Box::pin(async move { store::board_aged(tx, &group, &rooftops, from, until).await })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        (self.aged_until, self.aged_looked) = (now, Some(Instant::now()));
        let name = |(rooftop, deal): (String, DealId)| wire::deal_name(&self.principal.group, &rooftop, deal);
        Ok(aged.into_iter().map(name).collect())
    }
}

fn as_of(source: store::SourceRow, now: jiff::Timestamp) -> pb::SourceAsOf {
    let Judged { expected, stale_at } = source.judged;
    let stale_since = match Health::at(expected.is_some(), stale_at, now) {
        Health::Stale { since } => Some(since),
        Health::Fresh | Health::Unknown => None,
    };
    pb::SourceAsOf {
        rooftop: source.rooftop,
        source: source.source,
        last_recorded_at: Some(to_wire(source.last_recorded_at)),
        last_event_at: Some(to_wire(source.last_event_at)),
        stale: stale_since.is_some(),
        stale_since: stale_since.map(to_wire),
        expected_interval: expected.map(|of| duration_to_wire(of.try_into().unwrap_or_default())),
    }
}
