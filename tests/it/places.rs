//! Every place in which a running suite keeps or says something, to be searched for a word.
use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::StreamExt as _;
use redis::AsyncCommands as _;
use sqlx::{AssertSqlSafe, Row as _};
use throughline_testkit::connect;

/// What was found, by the name of its place.
#[derive(Default)]
pub struct Places(Vec<(String, Haystack)>);

struct Haystack {
    /// In small letters.
    text: String,
    /// As it is, for what is encoded by letters of both cases.
    raw: String,
}

impl Places {
    pub fn add(&mut self, place: impl Into<String>, bytes: &[u8]) {
        let raw = String::from_utf8_lossy(bytes).into_owned();
        self.0.push((place.into(), Haystack { text: raw.to_lowercase(), raw }));
    }

    /// The places in which a word stands: as it is in any case, escaped for an address, in hexadecimal or in base64.
    pub fn holding(&self, word: &str) -> Vec<&str> {
        let lower = word.to_lowercase();
        let texts = [
            lower.clone(),
            lower.replace(' ', "+"),
            lower.replace(' ', "%20").replace('@', "%40").replace('(', "%28").replace(')', "%29"),
            lower.replace(' ', "%20").replace('@', "%40"),
            hex(word.as_bytes()),
            hex(lower.as_bytes()),
        ];
        let encoded: Vec<String> = (0..3).flat_map(|shift| [base64(word, shift), base64(&lower, shift)]).collect();
        let holds = |haystack: &Haystack| {
            texts.iter().any(|text| stands(text, &haystack.text))
                || encoded.iter().any(|text| stands(text, &haystack.raw))
        };
        self.0.iter().filter(|(_, haystack)| holds(haystack)).map(|(place, _)| place.as_str()).collect()
    }

    /// What stands around a word in the first place that has it as it is: for the message of a test that fails.
    pub fn excerpt(&self, word: &str) -> Option<&str> {
        let lower = word.to_lowercase();
        self.0.iter().find_map(|(_, haystack)| {
            let at = haystack.text.find(&lower)?;
            let (begin, end) = (haystack.text.floor_char_boundary(at.saturating_sub(200)), at + 200);
            Some(&haystack.text[begin..haystack.text.floor_char_boundary(end)])
        })
    }

    /// Every row of every table as `table schema.table`, and every column of bytes once more as it is, `bytes schema.table.column`.
    pub async fn add_database(&mut self, url: &str) {
        let mut db = connect(url).await;
        let tables = sqlx::query(
            "SELECT format('%I.%I', table_schema, table_name),
                    coalesce(array_agg(quote_ident(column_name)) FILTER (WHERE data_type = 'bytea'), '{}')
             FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)
             WHERE table_type = 'BASE TABLE' AND table_schema <> 'information_schema'
             GROUP BY table_schema, table_name",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        assert!(tables.len() > 40, "{} tables", tables.len());
        for table in tables {
            let (table, columns): (String, Vec<String>) = (table.get(0), table.get(1));
            let rows = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {table} t");
            let rows: String = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut db).await.unwrap();
            self.add(format!("table {table}"), rows.as_bytes());
            for column in columns {
                let bytes = format!("SELECT coalesce(string_agg(t.{column}, '\\x0a'::bytea), '') FROM {table} t");
                let bytes: Vec<u8> = sqlx::query_scalar(AssertSqlSafe(bytes)).fetch_one(&mut db).await.unwrap();
                self.add(format!("bytes {table}.{column}"), &bytes);
            }
        }
    }

    /// Every key with its value as `redis KEY`.
    pub async fn add_redis(&mut self, url: &str) {
        let client = redis::Client::open(url).unwrap();
        let mut redis = client.get_multiplexed_async_connection().await.unwrap();
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut scan = redis.scan::<Vec<u8>>().await.unwrap();
        while let Some(key) = scan.next().await {
            keys.push(key.unwrap());
        }
        drop(scan);
        for key in keys {
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut redis).await.unwrap();
            let mut read = match kind.as_str() {
                "string" => redis::cmd("GET"),
                "hash" => redis::cmd("HGETALL"),
                "set" => redis::cmd("SMEMBERS"),
                "list" => redis::cmd("LRANGE"),
                "zset" => redis::cmd("ZRANGE"),
                "stream" => redis::cmd("XRANGE"),
                other => panic!("a key of a kind that nobody looks into: {other}"),
            };
            read.arg(&key);
            match kind.as_str() {
                "list" | "zset" => read.arg(0).arg(-1),
                "stream" => read.arg("-").arg("+"),
                _ => &mut read,
            };
            let value: redis::Value = read.query_async(&mut redis).await.unwrap();
            let mut bytes = key.clone();
            flatten(&value, &mut bytes);
            self.add(format!("redis {}", String::from_utf8_lossy(&key)), &bytes);
        }
    }

    /// Every file below a folder as `file PATH`: servers' logs, and what they write before anybody can read it in a table.
    pub fn add_folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.add_folder(&entry.path());
            } else if kind.is_file() {
                // A server may take a file of its own away meanwhile.
                let Ok(bytes) = std::fs::read(entry.path()) else { continue };
                self.add(format!("file {}", entry.path().display()), &bytes);
            }
        }
    }
}

/// By a searcher that is fast in a test too: there are hundreds of megabytes.
fn stands(word: &str, text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()
}

/// The bytes of an answer, whatever its form.
fn flatten(value: &redis::Value, bytes: &mut Vec<u8>) {
    bytes.push(b'\n');
    match value {
        redis::Value::BulkString(text) => bytes.extend_from_slice(text),
        redis::Value::SimpleString(text) => bytes.extend_from_slice(text.as_bytes()),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().for_each(|value| flatten(value, bytes))
        }
        redis::Value::Map(pairs) => {
            for (name, value) in pairs {
                flatten(name, bytes);
                flatten(value, bytes);
            }
        }
        other => bytes.extend_from_slice(format!("{other:?}").as_bytes()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of a word's base64 that does not depend on what stands around it, with so many bytes before it.
fn base64(word: &str, shift: usize) -> String {
    let padded = [&b"\0\0"[..shift], word.as_bytes()].concat();
    let encoded = BASE64_STANDARD.encode(&padded);
    let (begin, end) = (if shift == 0 { 0 } else { 4 }, padded.len() / 3 * 4);
    encoded[begin..end].to_owned()
}

#[test]
fn a_word_is_found_however_it_is_written() {
    let word = "Canary Ann Doe";
    for (written, text) in [
        ("plain", "x Canary Ann Doe y".to_owned()),
        ("small", "x canary ann doe y".to_owned()),
        ("address", "/?n=Canary%20Ann%20Doe".to_owned()),
        ("form", "/?n=Canary+Ann+Doe".to_owned()),
        ("hexadecimal", hex(b"--Canary Ann Doe--")),
        ("base64", BASE64_STANDARD.encode("Canary Ann Doe")),
        ("base64, one before", BASE64_STANDARD.encode("-Canary Ann Doe-")),
        ("base64, two before", BASE64_STANDARD.encode("--Canary Ann Doe--")),
        ("base64, three before", BASE64_STANDARD.encode("---Canary Ann Doe")),
    ] {
        let mut places = Places::default();
        places.add(written, text.as_bytes());
        assert_eq!(places.holding(word), [written], "{text}");
        assert!(places.holding("Canary Ben Doe").is_empty());
    }
}
