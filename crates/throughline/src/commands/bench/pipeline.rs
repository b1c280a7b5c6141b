//! The whole pipeline: append until flags and reports have caught up.
use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use throughline_proto::event::v1::Origin;

use super::{rounded, stream};
use crate::suite::{Servers, Suite};

/// How long the suite may take to catch up.
const PATIENCE: Duration = Duration::from_secs(600);

/// The pipeline beside the append alone.
#[derive(Serialize)]
pub struct Pipeline {
    measurement: &'static str,
    events: u64,
    rooftops: u32,
    /// Durable append of the same events with nothing else running.
    append_per_second: f64,
    /// From the first append until rules and reporting have everything; the promise is at least 5,000.
    pipeline_per_second: f64,
    /// Pipeline over append.
    ratio: f64,
}

pub async fn measure(servers: &Servers, data: &Path, events: u64) -> anyhow::Result<Pipeline> {
    let alone = Suite::start_services(servers, data, "bench_append", &crate::SERVICES[..1]).await?;
    let connection = alone.connect().await?;
    stream::add_rooftops(&connection).await?;
    let (accepted, took) = stream::send(&connection, stream::requests(11, events, Origin::Backfill)?).await?;
    alone.stop().await?;
    servers.drop_database("bench_append").await?;
    let append = accepted as f64 / took.as_secs_f64();
    eprintln!("  append alone: {append:.0}/s");

    let suite = Suite::start_services(servers, data, "bench_pipeline", crate::SERVICES).await?;
    let connection = suite.connect().await?;
    stream::add_rooftops(&connection).await?;
    let requests = stream::requests(11, events, Origin::Backfill)?;
    let began = Instant::now();
    let (accepted, sent) = stream::send(&connection, requests).await?;
    eprintln!("  append beside the rest: {:.0}/s", accepted as f64 / sent.as_secs_f64());
    for consumer in ["deal-state", "rules", "reporting"] {
        let deadline = PATIENCE.saturating_sub(began.elapsed());
        connection.caught_up_in_steps(consumer, deadline).await?;
        eprintln!("  {consumer} has everything after {:.1} s", began.elapsed().as_secs_f64());
    }
    let pipeline = accepted as f64 / began.elapsed().as_secs_f64();
    suite.stop().await?;
    servers.drop_database("bench_pipeline").await?;
    Ok(Pipeline {
        measurement: "pipeline",
        events,
        rooftops: stream::ROOFTOPS,
        append_per_second: rounded(append, 0),
        pipeline_per_second: rounded(pipeline, 0),
        ratio: rounded(pipeline / append, 3),
    })
}
