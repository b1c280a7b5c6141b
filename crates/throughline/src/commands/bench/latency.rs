//! "Car not ready when signed": from append to a watcher under load, over one append on the idle suite.
use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use throughline_platform::clock::Clock;
use throughline_proto::{
    cloudevents::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
    deal::v1::{WatchBoardRequest, deal_service_client::DealServiceClient},
    event::v1::Origin,
    ingestion::v1::{AppendEventsRequest, ingestion_service_client::IngestionServiceClient},
    time::to_wire,
};
use tokio::sync::mpsc;

use super::{rounded, stream};
use crate::{
    Connection,
    suite::{Servers, Suite},
};

/// Appends on the idle suite.
const IDLE: usize = 400;
/// Requests a second; each carries its share of the load.
const REQUESTS: u64 = 100;
/// How long a change may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both tails of one run.
#[derive(Serialize)]
pub struct Latency {
    measurement: &'static str,
    events_per_second: u64,
    probes: usize,
    idle_append_p50_ms: f64,
    idle_append_p99_ms: f64,
    watcher_p50_ms: f64,
    watcher_p99_ms: f64,
    /// Watcher p99 under load over append p99 when idle; the promise is at most 20.
    ratio: f64,
}

pub async fn measure(servers: &Servers, data: &Path, rate: u64, seconds: u64) -> anyhow::Result<Latency> {
    let suite = Suite::start_services(servers, data, "bench_latency", crate::SERVICES).await?;
    let connection = suite.connect().await?;
    stream::add_rooftops(&connection).await?;
    let clock = suite.clock();
    // Steps that no source has ever reported are "not observed": a car can only be late where somebody reports cars.
    observe_ready_cars(&connection, &clock).await?;

    let mut idle = Vec::with_capacity(IDLE);
    for number in 0..IDLE {
        let began = Instant::now();
        append(
            &connection,
            vec![event(&format!("idle-{number}"), &format!("I{number}"), "deal.opened", number, clock.now())],
        )
        .await?;
        idle.push(began.elapsed());
    }
    connection.caught_up_in_steps("reporting", PATIENCE).await?;

    let watched = watch(&connection).await?;
    let sent = load(&connection, &clock, rate, seconds).await?;
    let probes = sent.len();
    let mut delays = seen(watched, sent).await?;
    suite.stop().await?;
    servers.drop_database("bench_latency").await?;

    idle.sort_unstable();
    delays.sort_unstable();
    let ratio = percentile(&delays, 0.99).as_secs_f64() / percentile(&idle, 0.99).as_secs_f64();
    let ms = |delay: Duration| rounded(delay.as_secs_f64() * 1e3, 2);
    Ok(Latency {
        measurement: "latency",
        events_per_second: rate,
        probes,
        idle_append_p50_ms: ms(percentile(&idle, 0.5)),
        idle_append_p99_ms: ms(percentile(&idle, 0.99)),
        watcher_p50_ms: ms(percentile(&delays, 0.5)),
        watcher_p99_ms: ms(percentile(&delays, 0.99)),
        ratio: rounded(ratio, 1),
    })
}

/// Sends the load evenly; each request carries one probe: a contract signed while the car is not ready.
async fn load(
    connection: &Connection,
    clock: &Clock,
    rate: u64,
    seconds: u64,
) -> anyhow::Result<HashMap<String, Instant>> {
    let share = (rate / REQUESTS).max(1) as usize;
    let mut every = tokio::time::interval(Duration::from_secs(1) / u32::try_from(REQUESTS)?);
    let mut sent = HashMap::new();
    let mut appends = tokio::task::JoinSet::new();
    for request in 0..(REQUESTS * seconds) as usize {
        every.tick().await;
        let now = clock.now();
        let probe = format!("P{request}");
        let mut events = vec![event(&format!("probe-{request}"), &probe, "deal.contract.signed", request, now)];
        events.extend((1..share).map(|other| {
            let (deal, step) = ((request * share + other) / STEPS.len(), (request * share + other) % STEPS.len());
            event(&format!("load-{request}-{other}"), &format!("L{deal}"), STEPS[step], deal, now)
        }));
        let connection = connection.clone();
        sent.insert(probe, Instant::now());
        appends.spawn(async move { append(&connection, events).await });
    }
    while let Some(appended) = appends.join_next().await {
        appended??;
    }
    Ok(sent)
}

/// What the deals of the load go through.
const STEPS: [&str; 8] = [
    "deal.opened",
    "deal.writeup.submitted",
    "deal.desk.started",
    "deal.pencil.presented",
    "deal.agreed",
    "deal.fi.started",
    "deal.contract.signed",
    "deal.vehicle.ready",
];

async fn observe_ready_cars(connection: &Connection, clock: &Clock) -> anyhow::Result<()> {
    let events = (0..stream::ROOFTOPS as usize)
        .map(|rooftop| {
            event(&format!("ready-{rooftop}"), &format!("R{rooftop}"), "deal.vehicle.ready", rooftop, clock.now())
        })
        .collect();
    append(connection, events).await?;
    connection.caught_up_in_steps("reporting", PATIENCE).await
}

async fn append(connection: &Connection, events: Vec<CloudEvent>) -> anyhow::Result<()> {
    let count = events.len();
    let answer = IngestionServiceClient::new(connection.channel.clone())
        .append_events(AppendEventsRequest { events, origin: Origin::Live.into(), actor: String::new() })
        .await?
        .into_inner();
    let refused = answer.results.iter().find(|result| result.status.is_some());
    anyhow::ensure!(refused.is_none() && answer.results.len() == count, "an event was set apart: {refused:?}");
    Ok(())
}

/// Watches every rooftop and tells of each deal whose car is not ready.
async fn watch(connection: &Connection) -> anyhow::Result<mpsc::UnboundedReceiver<(String, Instant)>> {
    let request = WatchBoardRequest { parent: connection.parent.clone(), ..WatchBoardRequest::default() };
    let mut stream = DealServiceClient::new(connection.channel.clone()).watch_board(request).await?.into_inner();
    // Bounded by the number of probes.
    let (tell, told) = mpsc::unbounded_channel();
    let (ready, started) = tokio::sync::oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "ends with the stream, which ends with the suite")]
    tokio::spawn(async move {
        let mut ready = Some(ready);
        while let Ok(Some(response)) = stream.message().await {
            let now = Instant::now();
            if response.complete
                && let Some(ready) = ready.take()
            {
                let _ = ready.send(());
            }
            for entry in response.upserts.iter().filter(|entry| entry.vehicle_not_ready) {
                for key in &entry.keys {
                    let _ = tell.send((key.value.clone(), now));
                }
            }
        }
    });
    started.await.context("the board's snapshot did not come")?;
    Ok(told)
}

async fn seen(
    mut watched: mpsc::UnboundedReceiver<(String, Instant)>,
    mut sent: HashMap<String, Instant>,
) -> anyhow::Result<Vec<Duration>> {
    let mut delays = Vec::with_capacity(sent.len());
    while !sent.is_empty() {
        let (key, at) = tokio::time::timeout(PATIENCE, watched.recv())
            .await
            .with_context(|| format!("{} changes were never seen", sent.len()))?
            .context("the watcher's stream ended")?;
        if let Some(since) = sent.remove(&key) {
            delays.push(at.saturating_duration_since(since));
        }
    }
    Ok(delays)
}

fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len());
    sorted[index - 1]
}

fn event(id: &str, subject: &str, kind: &str, rooftop: usize, at: Timestamp) -> CloudEvent {
    let text = |value: String| CloudEventAttributeValue { attr: Some(Attr::CeString(value)) };
    let rooftop = format!("RT{:03}", rooftop % stream::ROOFTOPS as usize + 1);
    CloudEvent {
        id: id.to_owned(),
        source: format!("//bench.example/{rooftop}"),
        spec_version: "1.0".to_owned(),
        r#type: kind.to_owned(),
        attributes: HashMap::from([
            ("rooftop".to_owned(), text(rooftop)),
            ("subject".to_owned(), text(subject.to_owned())),
            ("time".to_owned(), CloudEventAttributeValue { attr: Some(Attr::CeTimestamp(to_wire(at))) }),
        ]),
        data: Some(Data::TextData("{}".to_owned())),
    }
}
