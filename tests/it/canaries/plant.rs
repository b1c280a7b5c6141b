//! Where a customer can be written, and is.
use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use throughline_proto::{
    cloudevents::{CloudEvent, cloud_event::Data},
    deal::v1::{DealKey, GetDealRequest, ListDealsRequest, deal_service_client::DealServiceClient},
    ingestion::v1::{AppendEventsRequest, ListQuarantinedRequest, ingestion_service_client::IngestionServiceClient},
    rule::v1::{
        AcknowledgeFlagRequest, ListFlagsRequest, ResolveReviewRequest, rule_service_client::RuleServiceClient,
    },
};
use throughline_testkit::{eventually, samples};
use tonic::Status;

use super::{KEPT, NOON, PERSON, World};
use crate::{events::cloud_event, profiles::FILES, suite::http};

impl World {
    /// A deal of which somebody is alerted, with a customer in every field that is not ours.
    pub async fn tell_live(&mut self) {
        let mut sent = Vec::new();
        for (place, kind, subject) in
            [(0, "deal.vehicle.ready", "D-0"), (1, "deal.opened", KEPT), (2, "deal.contract.signed", KEPT)]
        {
            let mut event = of(&format!("live-{place}"), kind, subject);
            event["customer"] = PERSON[0].into();
            event["data"]["buyer"] =
                json!({"name": PERSON[0], "contact": [PERSON[1], PERSON[2]], PERSON[5]: PERSON[4]});
            event["data"]["reason"] = PERSON[0].into();
            event["data"]["keys"]["licence"] = PERSON[3].into();
            sent.push(event);
        }
        let answer = self.suite.post_events(&json!(sent), None).await;
        for result in answer["results"].as_array().unwrap() {
            assert_eq!(result["outcome"], "OUTCOME_ACCEPTED", "{answer}");
        }
        self.places.add("answer", answer.to_string().as_bytes());
        let alerts = self.alerts.told.clone();
        eventually(Duration::from_secs(60), async || (!alerts.lock().unwrap().is_empty()).then_some(())).await;
    }

    pub async fn plant_in_http(&mut self) {
        const ONE: &str = "application/cloudevents+json";
        const BATCH: &str = "application/cloudevents-batch+json";
        let (client, base) = (http(), format!("http://{}/v1/events", self.suite.http));
        let good = |id: &str| of(id, "deal.opened", "D-1").to_string();
        for (place, person) in PERSON.into_iter().enumerate() {
            let events = carriers(person);
            for (kind, body) in [
                (BATCH, Value::from(events.clone()).to_string()),
                (ONE, good(&format!("query-{place}"))),
                (ONE, format!("{{\"id\": \"{person}")),
                (BATCH, format!("[{}, \"{person}\", [\"{person}\"]]", good("in-batch"))),
                (person, good("of-a-kind")),
            ] {
                let address = reqwest::Url::parse_with_params(&base, [("customer", person), (person, "1")]).unwrap();
                self.ask(client.post(address).header("content-type", kind).body(body), person).await;
            }
            for event in events {
                let request = client.post(&base).header("content-type", "application/json").body(event.to_string());
                self.ask(request, person).await;
            }
            // Binary mode: each attribute in turn.
            for attribute in
                ["id", "source", "type", "subject", "rooftop", "time", "dataschema", "traceparent", "customer"]
            {
                let mut request = client.post(&base).header("content-type", "application/json");
                let event = of(&format!("binary-{place}-{attribute}"), "deal.opened", "D-1");
                for name in ["id", "source", "type", "subject", "rooftop", "time"] {
                    request = request.header(format!("ce-{name}"), event[name].as_str().unwrap());
                }
                let request = request.header(format!("ce-{attribute}"), person);
                self.ask(request.body(format!("{{\"{person}\": 1}}")), person).await;
            }
            // Where nothing is.
            for method in ["GET", "POST", "CANARY-METHOD"] {
                let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
                let mut address = reqwest::Url::parse(&base).unwrap();
                address.path_segments_mut().unwrap().push(person);
                self.ask(client.request(method.clone(), address), person).await;
                self.ask(client.request(method, &base), person).await;
            }
        }
    }

    /// Asks with a customer in every header; what a refusal says is searched. An answer names events by the ids that their
    /// sender gave them.
    async fn ask(&mut self, request: reqwest::RequestBuilder, person: &str) {
        const PLANTED: [&str; 11] = [
            "user-agent",
            "referer",
            "cookie",
            "x-forwarded-for",
            "x-request-id",
            "x-customer",
            "baggage",
            "idempotency-key",
            "origin",
            "accept-language",
            "webhook-id",
        ];
        let request =
            request.bearer_auth(self.suite.key()).header("traceparent", format!("00-{:032x}-{:016x}-01", 7, 7));
        let request = PLANTED.into_iter().fold(request, |request, name| request.header(name, person));
        let answer = request.header("tracestate", format!("a={person}")).send().await.unwrap();
        if !answer.status().is_success() {
            let headers = format!("{:?}", answer.headers());
            self.places.add("refusal over http", (headers + &answer.text().await.unwrap()).as_bytes());
        }
    }

    pub async fn plant_in_grpc(&mut self) {
        let channel = self.suite.channel().await;
        for person in PERSON {
            let mut client = IngestionServiceClient::new(channel.clone());
            let mut events: Vec<CloudEvent> = carriers(person).iter().map(cloud_event).collect();
            let any = prost_types::Any { type_url: person.to_owned(), value: person.as_bytes().to_vec() };
            events.push(CloudEvent { data: Some(Data::ProtoData(any)), ..events[0].clone() });
            events.push(CloudEvent { data: Some(Data::BinaryData(person.as_bytes().to_vec())), ..events[0].clone() });
            let mut request =
                self.suite.keyed(AppendEventsRequest { events, actor: person.to_owned(), ..Default::default() });
            for name in ["x-customer", "user-agent", "tracestate", "baggage"] {
                request.metadata_mut().insert(name, person.parse().unwrap());
            }
            request
                .metadata_mut()
                .insert_bin("customer-bin", tonic::metadata::MetadataValue::from_bytes(person.as_bytes()));
            let events = request.get_ref().events.clone();
            let refused = client.append_events(request).await;
            self.tell("answer to append", refused.err());
            // Once more, with nobody whom we cannot know.
            let mut request = self.suite.keyed(AppendEventsRequest { events, ..Default::default() });
            request.metadata_mut().insert("x-customer", person.parse().unwrap());
            let answer = client.append_events(request).await.unwrap().into_inner();
            // The id is the sender's own, by which it knows its event again.
            let said: Vec<_> = answer.results.iter().map(|result| (&result.status, &result.dropped_fields)).collect();
            self.places.add("answer to append", format!("{said:?}").as_bytes());
        }
    }

    fn tell(&mut self, place: &str, status: Option<Status>) {
        if let Some(status) = status {
            self.places.add(place, status.message().as_bytes());
            self.places.add(place, status.details());
        }
    }

    /// People look for a customer by name.
    pub async fn plant_in_questions(&mut self) {
        let channel = self.suite.channel().await;
        let (mut deals, mut rules) = (DealServiceClient::new(channel.clone()), RuleServiceClient::new(channel.clone()));
        let mut ingestion = IngestionServiceClient::new(channel);
        for person in PERSON {
            let own = |text: &str| text.to_owned();
            let list = || ListDealsRequest { parent: own("groups/main"), ..Default::default() };
            for request in [
                ListDealsRequest { filter: own(person), ..list() },
                ListDealsRequest { filter: format!("\"{person}\" = 1"), ..list() },
                ListDealsRequest { filter: format!("state = \"{person}\""), ..list() },
                ListDealsRequest { filter: format!("opened_at > \"{person}\""), ..list() },
                ListDealsRequest { filter: format!("key = \"{person}\""), ..list() },
                ListDealsRequest { order_by: own(person), ..list() },
                ListDealsRequest { page_token: own(person), ..list() },
                ListDealsRequest { at_least: own(person), ..list() },
            ] {
                let status = deals.list_deals(self.suite.keyed(request)).await.err();
                self.tell("answer to a question", status);
            }
            let key = Some(DealKey { value: own(person), ..Default::default() });
            let name = own("groups/main/rooftops/RT7/deals/-");
            let request = GetDealRequest { name, key, ..Default::default() };
            let status = deals.get_deal(self.suite.keyed(request)).await.err();
            self.tell("answer to a question", status);
            let name = format!("groups/main/rooftops/RT7/deals/{person}");
            let status = deals.get_deal(self.suite.keyed(GetDealRequest { name, ..Default::default() })).await.err();
            self.tell("answer to a question", status);
            let asked = ListFlagsRequest { parent: own("groups/main"), kind: own(person), ..Default::default() };
            let status = rules.list_flags(self.suite.keyed(asked)).await.err();
            self.tell("answer to a question", status);
            let asked =
                ListQuarantinedRequest { parent: own("groups/main"), page_token: own(person), ..Default::default() };
            let status = ingestion.list_quarantined(self.suite.keyed(asked)).await.unwrap_err();
            self.tell("answer to a question", Some(status));
        }
    }

    pub async fn plant_in_files(&mut self) {
        let folder = self.files.path().to_owned();
        let mut profiles: Vec<&str> = FILES.iter().map(|(profile, ..)| *profile).collect();
        profiles.dedup();
        for profile in profiles {
            let here = folder.join(profile).join("CANARY-FOLDER");
            let mut names = vec!["CANARY-FOLDER".to_owned()];
            for (_, name, text, _) in FILES.iter().filter(|(of, ..)| *of == profile) {
                write(&here.join(name), text.as_bytes());
                names.push((*name).to_owned());
            }
            // A line that is longer than any that is read, and a file that is of no profile.
            let long = format!("{{\"dealNo\":\"{}\",\"x\":\"{}\"}}\n", PERSON[0], PERSON[0].repeat(100_000));
            write(&here.join("zz-long"), long.as_bytes());
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.command(&["import", "--profile", profile, "--rooftop", "RT7", here.to_str().unwrap()], &names).await;
            let sample = here.join("zz-long");
            self.command(&["profile", "check", profile, sample.to_str().unwrap()], &names).await;
        }
        // A profile with a customer's row as a note, sound and unsound.
        for (name, version) in [("sound", "1"), ("unsound", "one")] {
            let yaml = format!(
                "# {0} {1}\nprofile: own\nversion: {version}\n# {0}\ntitle: of {0}\nformat: csv\nsource: //own.vendor/{{rooftop}}\n\
                 zone: UTC\nrow: [No]\nsubject: No\nevents:\n  - type: deal.opened\n    time: {{at: {{columns: [At], format: rfc3339}}}}\n",
                PERSON[0], PERSON[1]
            );
            let (profile, sample) = (folder.join(format!("{name}.yaml")), folder.join(format!("{name}.csv")));
            write(&profile, yaml.as_bytes());
            write(&sample, format!("No,At,{0}\nO-1,{NOON},{0}\nO-2,{0},x\n{1}\n", PERSON[0], PERSON[2]).as_bytes());
            let (profile, sample) = (profile.to_str().unwrap(), sample.to_str().unwrap());
            let taken = self.command(&["import", "--profile", profile, "--rooftop", "RT7", sample], &[]).await;
            assert_eq!(taken, name == "sound");
        }
        // Lines as they are.
        let lines: Vec<String> = PERSON
            .iter()
            .flat_map(|person| {
                carriers(person).into_iter().map(|event| event.to_string()).chain([format!("{{\"id\": \"{person}")])
            })
            .collect();
        let plain = folder.join("plain.jsonl");
        write(&plain, lines.join("\n").as_bytes());
        let plain = plain.to_str().unwrap().to_owned();
        self.command(&["import", &plain], &[]).await;
        self.command(&["import", "--profile", "canonical", "--rooftop", "RT7", &plain], &[]).await;
        self.import_a_week().await;
    }

    /// Vendors' files as the simulator writes them, and the samples' week where it is there.
    async fn import_a_week(&mut self) {
        let folder = self.files.path().join("feeds");
        crate::week::simulate(&self.suite, &folder, &["--rooftops", "1"]).await;
        let samples = samples().map(|samples| samples.join("samples/store-week"));
        for week in [Some(folder), samples].into_iter().flatten() {
            for (profile, place) in crate::week::FEEDS {
                let path = week.join("RT001").join(place);
                let taken = self
                    .command(&["import", "--profile", profile, "--rooftop", "RT001", path.to_str().unwrap()], &[])
                    .await;
                assert!(taken, "{profile}");
            }
        }
    }

    /// Whoever takes a flag or resolves a review may write anything.
    pub async fn plant_in_decisions(&mut self) {
        let mut rules = RuleServiceClient::new(self.suite.channel().await);
        let asked = ListFlagsRequest { parent: "groups/main".to_owned(), ..Default::default() };
        let flags = rules.list_flags(self.suite.keyed(asked)).await.unwrap().into_inner().flags;
        let flag = flags.first().expect("somebody was alerted").name.clone();
        for person in PERSON {
            for (actor, note) in [(person, ""), ("s1", person)] {
                let request = AcknowledgeFlagRequest {
                    name: flag.clone(),
                    actor: actor.to_owned(),
                    note: note.to_owned(),
                    request_id: uuid::Uuid::new_v4().to_string(),
                };
                let status = rules.acknowledge_flag(self.suite.keyed(request)).await.unwrap_err();
                self.tell("answer to a decision", Some(status));
                let request = ResolveReviewRequest {
                    name: format!("groups/main/rooftops/RT7/reviews/{}", uuid::Uuid::nil()),
                    actor: actor.to_owned(),
                    resolution: if note.is_empty() { "seen".to_owned() } else { note.to_owned() },
                    request_id: uuid::Uuid::new_v4().to_string(),
                    ..Default::default()
                };
                let status = rules.resolve_review(self.suite.keyed(request)).await.unwrap_err();
                self.tell("answer to a decision", Some(status));
            }
        }
    }
}

fn of(id: &str, kind: &str, subject: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//dms.example/RT7", "type": kind, "rooftop": "RT7", "subject": subject,
           "time": NOON, "data": {"actor": "s1", "role": "salesperson", "keys": {}}})
}

/// Events that carry a word wherever one can stand.
fn carriers(word: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for attribute in [
        "id",
        "source",
        "type",
        "subject",
        "rooftop",
        "time",
        "earliest",
        "timequality",
        "observedat",
        "sequence",
        "customer",
        word,
    ] {
        let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
        event[attribute] = word.into();
        all.push(event);
    }
    for field in
        ["actor", "role", "trade", "reason", "result", "step", "round", "kind", "replaces", "withdraws", "name", word]
    {
        for value in [json!(word), json!({"nested": [word]})] {
            let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
            event["data"][field] = value;
            all.push(event);
        }
    }
    for key in ["visit", "dms_deal", "application", "stock", "vin", "sale", "licence", word] {
        let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
        event["data"]["keys"][key] = word.into();
        all.push(event);
    }
    for data in [json!(word), json!([word]), json!({word: {word: word}})] {
        let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
        event["data"] = data;
        all.push(event);
    }
    all
}

fn write(path: &Path, text: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
