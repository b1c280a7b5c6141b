//! COPY of the rows that ingest wrote, into the same tables with the same indexes of another database.
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio_stream::StreamExt as _;

/// What ingest writes for each event: the dedupe key and the log entry.
const TABLES: [&str; 2] = ["ingestion.event_key", "ingestion.event_log"];
/// Bytes of one message of the COPY protocol.
const CHUNK: usize = 1 << 16;

/// Rows of the tables in COPY's own text form.
pub struct Rows(Vec<(&'static str, Vec<u8>)>);

/// Reads the rows out. `url` is a superuser's: COPY is refused under row-level security.
///
/// # Errors
/// If the database refuses.
pub async fn read(url: &str) -> anyhow::Result<Rows> {
    let mut connection = PgConnection::connect(url).await?;
    let mut rows = Vec::new();
    for table in TABLES {
        let statement = format!("COPY (SELECT * FROM {table}) TO STDOUT");
        let mut stream = connection.copy_out_raw(&statement).await?;
        let mut text = Vec::new();
        while let Some(chunk) = stream.next().await {
            text.extend_from_slice(&chunk?);
        }
        drop(stream);
        rows.push((table, text));
    }
    connection.close().await?;
    Ok(Rows(rows))
}

/// Writes them into another database, in one transaction, durable.
///
/// # Errors
/// If the database refuses.
pub async fn write(url: &str, rows: &Rows) -> anyhow::Result<Duration> {
    let mut connection = PgConnection::connect(url).await?;
    // The months that the log has partitions for.
    connection
        .execute(
            "SELECT journal.ensure_month('ingestion', 'event', month::date)
             FROM generate_series(date_trunc('month', now()) - interval '1 month', date_trunc('month', now()) + interval '1 month', interval '1 month') AS month",
        )
        .await?;
    let began = Instant::now();
    let mut transaction = connection.begin().await?;
    for (table, text) in &rows.0 {
        let statement = format!("COPY {table} FROM STDIN");
        let mut sink = transaction.copy_in_raw(&statement).await?;
        for chunk in text.chunks(CHUNK) {
            sink.send(chunk).await?;
        }
        sink.finish().await?;
    }
    transaction.commit().await?;
    let took = began.elapsed();
    connection.close().await?;
    Ok(took)
}
