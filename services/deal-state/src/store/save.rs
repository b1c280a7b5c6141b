//! What a batch leaves behind, in one statement a table whatever its size.

use jiff::{Timestamp, civil::Date};
use sqlx::{Error, query_file};
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx;
use throughline_process::Key;
use uuid::Uuid;

use super::{SourceColumns, StoredInput, at, cars::Cars, small, work::Work};
use crate::domain::id::DealId;

/// Everything that a batch of one part saves, as the arrays that Postgres unnests.
#[derive(Debug, Default)]
pub struct Saving {
    rooftops: (Vec<String>, Vec<String>, Vec<Vec<u8>>),
    observed: Observed,
    reported: Reported,
    sources: Sources,
    inputs: Inputs,
    inputs_gone: (Vec<Uuid>, Vec<Uuid>),
    keys: Keys,
    marks: Marks,
    marks_gone: (Vec<Uuid>, Vec<String>, Vec<String>),
    pub cars: Cars,
    deals: Deals,
    deals_gone: Vec<Uuid>,
    pub work: Work,
}

#[derive(Debug, Default)]
struct Observed {
    groups: Vec<String>,
    rooftops: Vec<String>,
    types: Vec<String>,
    recorded: Vec<jiff_sqlx::Timestamp>,
    days: Vec<jiff_sqlx::Date>,
    expires: Vec<Option<jiff_sqlx::Timestamp>>,
}

#[derive(Debug, Default)]
struct Reported {
    groups: Vec<String>,
    rooftops: Vec<String>,
    sources: Vec<String>,
    types: Vec<String>,
    days: Vec<jiff_sqlx::Date>,
}

#[derive(Debug, Default)]
struct Sources {
    groups: Vec<String>,
    rooftops: Vec<String>,
    sources: Vec<String>,
    recorded: Vec<jiff_sqlx::Timestamp>,
    happened: Vec<jiff_sqlx::Timestamp>,
    states: Vec<String>,
    expected: Vec<Option<i64>>,
    stale: Vec<Option<jiff_sqlx::Timestamp>>,
    told: Vec<Option<jiff_sqlx::Timestamp>>,
}

#[derive(Debug, Default)]
struct Inputs {
    anchors: Vec<Uuid>,
    events: Vec<Uuid>,
    groups: Vec<String>,
    rooftops: Vec<String>,
    recorded: Vec<jiff_sqlx::Timestamp>,
    origins: Vec<i16>,
    actors: Vec<String>,
    bodies: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Keys {
    keys: Vec<Uuid>,
    groups: Vec<String>,
    rooftops: Vec<String>,
    kinds: Vec<String>,
    scopes: Vec<String>,
    values: Vec<String>,
    cores: Vec<Uuid>,
    deals: Vec<Uuid>,
}

#[derive(Debug, Default)]
struct Marks {
    deals: Vec<Uuid>,
    kinds: Vec<String>,
    values: Vec<String>,
    groups: Vec<String>,
    rooftops: Vec<String>,
}

#[derive(Debug, Default)]
struct Deals {
    ids: Vec<Uuid>,
    groups: Vec<String>,
    rooftops: Vec<String>,
    states: Vec<i16>,
    open: Vec<bool>,
    blind: Vec<bool>,
    opened: Vec<Option<jiff_sqlx::Timestamp>>,
    last_event: Vec<Option<jiff_sqlx::Timestamp>>,
    rework: Vec<i32>,
    event_counts: Vec<i32>,
    hashes: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
}

/// The columns of a deal beside its body.
#[derive(Clone, Debug)]
pub struct DealColumns {
    pub state: i16,
    pub open: bool,
    pub blind: bool,
    /// None if it is no deal now.
    pub opened_at: Option<Timestamp>,
    pub last_event_at: Option<Timestamp>,
    pub rework: u32,
    pub event_count: u32,
    pub state_hash: Vec<u8>,
}

impl Saving {
    /// Each rooftop once.
    pub fn rooftop(&mut self, group: &str, rooftop: &str, body: Vec<u8>) {
        self.rooftops.0.push(group.to_owned());
        self.rooftops.1.push(rooftop.to_owned());
        self.rooftops.2.push(body);
    }

    /// A type is observed since `recorded_at`, was last reported on `day`, and until it expires.
    pub fn observed(
        &mut self,
        (group, rooftop): (&str, &str),
        event_type: &str,
        recorded_at: Timestamp,
        day: Date,
        expires_at: Option<Timestamp>,
    ) {
        self.observed.groups.push(group.to_owned());
        self.observed.rooftops.push(rooftop.to_owned());
        self.observed.types.push(event_type.to_owned());
        self.observed.recorded.push(at(recorded_at));
        self.observed.days.push(day.into());
        self.observed.expires.push(expires_at.map(at));
    }

    /// A source reported a step on a day.
    pub fn reported(&mut self, (group, rooftop): (&str, &str), source: &str, event_type: &str, day: Date) {
        self.reported.groups.push(group.to_owned());
        self.reported.rooftops.push(rooftop.to_owned());
        self.reported.sources.push(source.to_owned());
        self.reported.types.push(event_type.to_owned());
        self.reported.days.push(day.into());
    }

    /// Each source of a rooftop once.
    pub fn source(&mut self, (group, rooftop): (&str, &str), source: &str, columns: SourceColumns) {
        let SourceColumns { recorded_at, event_at, feed, judged, told_at } = columns;
        self.sources.groups.push(group.to_owned());
        self.sources.rooftops.push(rooftop.to_owned());
        self.sources.sources.push(source.to_owned());
        self.sources.recorded.push(at(recorded_at));
        self.sources.happened.push(at(event_at));
        // Numbers and instants alone: it is never refused.
        self.sources.states.push(serde_json::to_string(&feed).unwrap_or_else(|_| "{}".to_owned()));
        self.sources.expected.push(judged.expected_ms());
        self.sources.stale.push(judged.stale_at.map(at));
        self.sources.told.push(told_at.map(at));
    }

    pub fn input(&mut self, (group, rooftop): (&str, &str), input: StoredInput) {
        self.inputs.anchors.push(input.anchor.0);
        self.inputs.events.push(input.id);
        self.inputs.groups.push(group.to_owned());
        self.inputs.rooftops.push(rooftop.to_owned());
        self.inputs.recorded.push(at(input.recorded_at));
        self.inputs.origins.push(input.origin);
        self.inputs.actors.push(input.actor);
        self.inputs.bodies.push(input.body);
    }

    pub fn input_gone(&mut self, anchor: DealId, id: Uuid) {
        self.inputs_gone.0.push(anchor.0);
        self.inputs_gone.1.push(id);
    }

    /// Each key once.
    pub fn key(&mut self, (group, rooftop): (&str, &str), id: DealId, key: &Key, core: DealId, deal: DealId) {
        self.keys.keys.push(id.0);
        self.keys.groups.push(group.to_owned());
        self.keys.rooftops.push(rooftop.to_owned());
        self.keys.kinds.push(key.kind.as_str().to_owned());
        self.keys.scopes.push(key.scope.clone());
        self.keys.values.push(key.value.clone());
        self.keys.cores.push(core.0);
        self.keys.deals.push(deal.0);
    }

    pub fn mark(&mut self, (group, rooftop): (&str, &str), deal: DealId, key: &Key) {
        self.marks.deals.push(deal.0);
        self.marks.kinds.push(key.kind.as_str().to_owned());
        self.marks.values.push(key.value.clone());
        self.marks.groups.push(group.to_owned());
        self.marks.rooftops.push(rooftop.to_owned());
    }

    pub fn mark_gone(&mut self, deal: DealId, key: &Key) {
        self.marks_gone.0.push(deal.0);
        self.marks_gone.1.push(key.kind.as_str().to_owned());
        self.marks_gone.2.push(key.value.clone());
    }

    /// Each deal once.
    pub fn deal(&mut self, (group, rooftop): (&str, &str), id: DealId, columns: DealColumns, body: Vec<u8>) {
        self.deals.ids.push(id.0);
        self.deals.groups.push(group.to_owned());
        self.deals.rooftops.push(rooftop.to_owned());
        self.deals.states.push(columns.state);
        self.deals.open.push(columns.open);
        self.deals.blind.push(columns.blind);
        self.deals.opened.push(columns.opened_at.map(at));
        self.deals.last_event.push(columns.last_event_at.map(at));
        self.deals.rework.push(i32::try_from(columns.rework).unwrap_or(i32::MAX));
        self.deals.event_counts.push(i32::try_from(columns.event_count).unwrap_or(i32::MAX));
        self.deals.hashes.push(columns.state_hash);
        self.deals.bodies.push(body);
    }

    pub fn deal_gone(&mut self, id: DealId) {
        self.deals_gone.push(id.0);
    }

    /// Writes it all; tables without a change are not touched.
    pub async fn save(self, tx: &mut Tx, part: u16) -> Result<(), Error> {
        let part = small(part);
        let Self {
            rooftops,
            observed,
            reported,
            sources,
            inputs,
            inputs_gone,
            keys,
            marks,
            marks_gone,
            cars,
            deals,
            deals_gone,
            work,
        } = self;
        if !rooftops.0.is_empty() {
            query_file!("sql/save_rooftops.sql", part, &rooftops.0, &rooftops.1, &rooftops.2)
                .execute(tx.conn())
                .await?;
        }
        observed.save(tx, part).await?;
        reported.save(tx, part).await?;
        sources.save(tx, part).await?;
        if !inputs_gone.0.is_empty() {
            query_file!("sql/drop_inputs.sql", part, &inputs_gone.0, &inputs_gone.1).execute(tx.conn()).await?;
        }
        inputs.save(tx, part).await?;
        keys.save(tx, part).await?;
        if !deals_gone.is_empty() {
            query_file!("sql/drop_deals.sql", part, &deals_gone).execute(tx.conn()).await?;
        }
        if !marks_gone.0.is_empty() {
            query_file!("sql/drop_marks.sql", part, &marks_gone.0, &marks_gone.1, &marks_gone.2)
                .execute(tx.conn())
                .await?;
        }
        marks.save(tx, part).await?;
        cars.save(tx, part).await?;
        deals.save(tx, part).await?;
        work.save(tx, part).await
    }
}

impl Observed {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.types.is_empty() {
            return Ok(());
        }
        let Self { groups, rooftops, types, recorded, days, expires } = self;
        query_file!(
            "sql/save_observed.sql",
            part,
            &groups,
            &rooftops,
            &types,
            &recorded as _,
            &days as _,
            &expires as _
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Reported {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.types.is_empty() {
            return Ok(());
        }
        let Self { groups, rooftops, sources, types, days } = self;
        query_file!("sql/save_reported.sql", part, &groups, &rooftops, &sources, &types, &days as _)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

impl Sources {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.sources.is_empty() {
            return Ok(());
        }
        let Self { groups, rooftops, sources, recorded, happened, states, expected, stale, told } = self;
        query_file!(
            "sql/save_sources.sql",
            part,
            &groups,
            &rooftops,
            &sources,
            &recorded as _,
            &happened as _,
            &states,
            &expected as _,
            &stale as _,
            &told as _
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Inputs {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.events.is_empty() {
            return Ok(());
        }
        let Self { anchors, events, groups, rooftops, recorded, origins, actors, bodies } = self;
        query_file!(
            "sql/save_inputs.sql",
            part,
            &anchors,
            &events,
            &groups,
            &rooftops,
            &recorded as _,
            &origins,
            &actors,
            &bodies
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Keys {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let Self { keys, groups, rooftops, kinds, scopes, values, cores, deals } = self;
        query_file!("sql/save_keys.sql", part, &keys, &groups, &rooftops, &kinds, &scopes, &values, &cores, &deals)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

impl Marks {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.deals.is_empty() {
            return Ok(());
        }
        let Self { deals, kinds, values, groups, rooftops } = self;
        query_file!("sql/save_marks.sql", part, &deals, &kinds, &values, &groups, &rooftops).execute(tx.conn()).await?;
        Ok(())
    }
}

impl Deals {
    async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        query_file!(
            "sql/save_deals.sql",
            part,
            &self.ids,
            &self.groups,
            &self.rooftops,
            &self.states,
            &self.open,
            &self.blind,
            &self.opened as _,
            &self.last_event as _,
            &self.rework,
            &self.event_counts,
            &self.hashes,
            &self.bodies
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
