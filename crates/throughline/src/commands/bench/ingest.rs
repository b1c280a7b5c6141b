//! Durable streaming ingest through gRPC over COPY.
use std::path::Path;

use serde::Serialize;
use throughline_proto::event::v1::Origin;

use super::{copy, rounded, stream};
use crate::suite::{Servers, Suite};

/// Ingest beside COPY, taken in turn in one run.
#[derive(Serialize)]
pub struct Ingest {
    measurement: &'static str,
    events: u64,
    ingest_per_second: f64,
    copy_rows_per_second: f64,
    /// Durable ingest over COPY; the promise is at least 0.4.
    ratio: f64,
    ratios: Vec<f64>,
}

/// Rounds; the median counts.
const ROUNDS: usize = 3;

pub async fn measure(servers: &Servers, data: &Path, events: u64) -> anyhow::Result<Ingest> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let name = format!("bench_ingest_{round}");
        let requests = stream::requests(round as u64 + 1, events, Origin::Backfill)?;
        let suite = Suite::start_services(servers, data, &name, &crate::SERVICES[..1]).await?;
        let connection = suite.connect().await?;
        stream::add_rooftops(&connection).await?;
        let (accepted, ingest) = stream::send(&connection, requests).await?;
        suite.stop().await?;

        let rows = copy::read(&servers.database_url(&name)?).await?;
        let empty = format!("bench_copy_{round}");
        servers.create_database(&empty).await?;
        crate::suite::migrate(&servers.database_url(&empty)?, &crate::SERVICES[..1]).await?;
        let copied = copy::write(&servers.database_url(&empty)?, &rows).await?;
        let (ingest, copied) = (accepted as f64 / ingest.as_secs_f64(), accepted as f64 / copied.as_secs_f64());
        eprintln!("  round {}: ingest {ingest:.0}/s, COPY {copied:.0}/s, ratio {:.2}", round + 1, ingest / copied);
        rounds.push((ingest / copied, ingest, copied));
        servers.drop_database(&name).await?;
        servers.drop_database(&empty).await?;
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, ingest, copied) = rounds[ROUNDS / 2];
    Ok(Ingest {
        measurement: "ingest",
        events,
        ingest_per_second: rounded(ingest, 0),
        copy_rows_per_second: rounded(copied, 0),
        ratio: rounded(ratio, 3),
        ratios: rounds.iter().map(|round| rounded(round.0, 3)).collect(),
    })
}
