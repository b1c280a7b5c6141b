//! Canonical events: written, read from a record or from the simulator, and sent as a vendor sends them over gRPC.
use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use throughline_proto::{
    cloudevents::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
    event::v1::Origin,
    ingestion::v1::{StreamEventsRequest, ingestion_service_client::IngestionServiceClient},
};
use throughline_testkit::samples;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::{
    record,
    suite::{binary, keyed},
};

/// What makes an event one event: its rooftop, its source, its id.
pub type Identity = (String, String, String);

/// An event of a deal in the shape of a line of a record.
pub fn event(rooftop: &str, id: &str, event_type: &str, subject: &str, time: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": format!("//dms.example/{rooftop}"), "type": event_type,
           "rooftop": rooftop, "subject": subject, "time": time, "data": {}})
}

/// The protobuf form of an event's JSON form.
pub fn cloud_event(event: &Value) -> CloudEvent {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let attribute = |name: &str| {
        let value = event[name].as_str()?.to_owned();
        Some((name.to_owned(), CloudEventAttributeValue { attr: Some(Attr::CeString(value)) }))
    };
    let extensions = ["subject", "rooftop", "time", "timequality", "earliest", "latest", "observedat"];
    CloudEvent {
        id: text("id"),
        source: text("source"),
        spec_version: text("specversion"),
        r#type: text("type"),
        attributes: extensions.iter().filter_map(|name| attribute(name)).collect::<HashMap<_, _>>(),
        data: event.get("data").map(|data| Data::TextData(data.to_string())),
    }
}

fn parse(line: &str) -> Map<String, Value> {
    serde_json::from_str(line).unwrap()
}

/// Whose event a line is.
pub fn identity(line: &str) -> Identity {
    let event = parse(line);
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    (text("rooftop"), text("source"), text("id"))
}

/// Whose events these lines are, each once.
pub fn identities(lines: &[String]) -> BTreeSet<Identity> {
    lines.iter().map(|line| identity(line)).collect()
}

/// The rooftops that lines name.
pub fn rooftops(lines: &[String]) -> BTreeSet<String> {
    lines.iter().map(|line| identity(line).0).collect()
}

/// The week that the samples keep for tests, or a simulated Saturday where there are none.
pub fn week() -> Vec<String> {
    match samples() {
        Some(samples) => record::lines_of(&samples.join("samples/store-days/test.jsonl.gz")),
        None => simulated(7, 16),
    }
}

/// A simulated Saturday of so many rooftops.
pub fn simulated(seed: u32, rooftops: u32) -> Vec<String> {
    let printed = std::process::Command::new(binary("throughline"))
        .args(["simulate", "--seed", &seed.to_string(), "--rooftops", &rooftops.to_string()])
        .output()
        .unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    String::from_utf8(printed.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Batches that are sent before the acknowledgement of the first has come.
const AHEAD: usize = 4;

/// Streams lines as history, so many to a batch. `durable` is told after each acknowledgement how many lines are durable,
/// from the first on. Returns that number when the stream has ended, by itself or because the other side died.
pub async fn stream(
    channel: Channel,
    key: &str,
    lines: &[String],
    batch: usize,
    mut durable: impl AsyncFnMut(usize),
) -> usize {
    let mut requests = lines.chunks(batch).zip(1..).map(|(lines, sequence)| StreamEventsRequest {
        sequence,
        events: lines.iter().map(|line| cloud_event(&Value::Object(parse(line)))).collect(),
        origin: Origin::Backfill.into(),
        brief: true,
    });
    let (send, sent) = mpsc::channel(AHEAD);
    for request in requests.by_ref().take(AHEAD) {
        send.send(request).await.unwrap();
    }
    let mut send = Some(send);
    let request = keyed(key, ReceiverStream::new(sent));
    let mut answers = IngestionServiceClient::new(channel).stream_events(request).await.unwrap().into_inner();
    let mut acknowledged = 0;
    while let Ok(Some(answer)) = answers.message().await {
        assert_eq!(answer.sequence, (acknowledged / batch) as u64 + 1, "acknowledgements come in order");
        assert!(answer.results.iter().all(|result| result.status.is_none()), "{:?}", answer.results);
        acknowledged = (acknowledged + batch).min(lines.len());
        durable(acknowledged).await;
        match (requests.next(), &send) {
            // Nobody takes it where the other side has died; the next answer will say so.
            (Some(request), Some(send)) => drop(send.send(request).await),
            _ => send = None,
        }
    }
    acknowledged
}
