//! What a process is told when it starts: flags, each with an environment variable.
use std::{net::SocketAddr, path::PathBuf, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line, with trace ids.
    Json,
    /// For people at a terminal.
    Text,
}

/// Options of every service.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Postgres, the truth: postgres://user:password@host:port/database. The user owns the schemas or may create them.
    #[arg(long, env = "THROUGHLINE_POSTGRES_URL", hide_env_values = true)]
    pub postgres_url: String,

    /// Redis, for wake-ups and caches: redis://host:port. Without it everything works, up to 250 ms later a hop.
    #[arg(long, env = "THROUGHLINE_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,

    /// Address of gRPC and gRPC-Web; port 0 picks a free one.
    #[arg(long, env = "THROUGHLINE_GRPC", default_value = "127.0.0.1:7700")]
    pub grpc: SocketAddr,

    /// Address of HTTP: CloudEvents, /metrics, /healthz, /readyz; port 0 picks a free one.
    #[arg(long, env = "THROUGHLINE_HTTP", default_value = "127.0.0.1:7701")]
    pub http: SocketAddr,

    /// Secret that the services share among themselves, at least 16 characters; it may name any group.
    #[arg(long, env = "THROUGHLINE_SERVICE_KEY", hide_env_values = true)]
    pub service_key: String,

    /// Where ingestion is served, such as http://ingestion:7700; absent means in this process.
    #[arg(long, env = "THROUGHLINE_INGESTION_URL")]
    pub ingestion_url: Option<String>,

    /// Where deal-state is served; absent means in this process.
    #[arg(long, env = "THROUGHLINE_DEAL_STATE_URL")]
    pub deal_state_url: Option<String>,

    /// Where rules is served; absent means in this process.
    #[arg(long, env = "THROUGHLINE_RULES_URL")]
    pub rules_url: Option<String>,

    /// OTLP over gRPC, such as http://collector:4317; absent means no traces are sent.
    #[arg(long, env = "THROUGHLINE_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// Start the clock here instead of now (RFC 3339), for replays and demonstrations.
    #[arg(long, env = "THROUGHLINE_CLOCK_START")]
    pub clock_start: Option<Timestamp>,

    /// How fast the clock runs: 60 makes a minute of every second.
    #[arg(long, env = "THROUGHLINE_CLOCK_RATE", default_value_t = 1.0, value_parser = parse_rate)]
    pub clock_rate: f64,

    /// How log lines are written.
    #[arg(long, env = "THROUGHLINE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,

    /// Which log lines are written, such as `info,throughline_journal=debug`.
    #[arg(long, env = "THROUGHLINE_LOG", default_value = "info,sqlx=warn,h2=warn,hyper=warn")]
    pub log_filter: String,

    /// How long calls may finish after a stop was asked for; then the process ends.
    #[arg(long, env = "THROUGHLINE_DRAIN", default_value = "20s", value_parser = parse_duration)]
    pub drain: Duration,

    /// Postgres connections for calls from outside.
    #[arg(long, env = "THROUGHLINE_API_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub api_connections: u32,

    /// Postgres connections for followers, alarms and housekeeping.
    #[arg(long, env = "THROUGHLINE_WORKER_CONNECTIONS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    pub worker_connections: u32,

    /// Postgres connections for appending: one a lane is enough.
    #[arg(long, env = "THROUGHLINE_APPENDER_CONNECTIONS", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    pub appender_connections: u32,

    /// Calls worked on at once; more are told to come back.
    #[arg(long, env = "THROUGHLINE_MAX_IN_FLIGHT", default_value_t = 512, value_parser = parse_in_flight)]
    pub max_in_flight: usize,

    /// Browser origins that may call gRPC-Web, such as https://portal.example; `*` allows all. Repeat or separate by commas.
    #[arg(long, env = "THROUGHLINE_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,

    /// Whether reflection is served.
    #[arg(long, env = "THROUGHLINE_REFLECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub reflection: bool,

    /// How long a follower owns its parts without being heard of; no transaction may stay idle for half as long.
    #[arg(long, env = "THROUGHLINE_LEASE", default_value = "10s", value_parser = parse_duration)]
    pub lease: Duration,

    /// How often the heads of a log are polled behind the wake-ups.
    #[arg(long, env = "THROUGHLINE_POLL", default_value = "250ms", value_parser = parse_duration)]
    pub poll: Duration,

    /// Whether this process migrates the schemas when it starts; otherwise it refuses one that is too old.
    #[arg(long, env = "THROUGHLINE_MIGRATE", default_value_t = true, action = clap::ArgAction::Set)]
    pub migrate: bool,

    /// Whether webhooks may go to this machine itself, and there by plain http; switch it off where others make routes.
    #[arg(long, env = "THROUGHLINE_WEBHOOK_LOOPBACK", default_value_t = true, action = clap::ArgAction::Set)]
    pub webhook_loopback: bool,

    /// Folder that ingestion watches: files dropped at DIR/{group}/{rooftop}/{profile}/NAME are imported. Absent means none.
    #[arg(long, env = "THROUGHLINE_DROP_FOLDER", value_name = "DIR")]
    pub drop_folder: Option<PathBuf>,

    /// How often the folder is looked at; a file is taken when two looks find it the same.
    #[arg(long, env = "THROUGHLINE_DROP_LOOK", default_value = "2s", value_parser = parse_duration)]
    pub drop_look: Duration,
}

impl Options {
    /// Free ports, small pools, short leases: for tests on private servers.
    pub fn for_test(postgres_url: impl Into<String>, redis_url: Option<String>) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            postgres_url: postgres_url.into(),
            redis_url,
            grpc: free,
            http: free,
            service_key: "service-key-for-tests".to_owned(),
            ingestion_url: None,
            deal_state_url: None,
            rules_url: None,
            otlp_endpoint: None,
            clock_start: None,
            clock_rate: 1.0,
            log_format: LogFormat::Text,
            log_filter: "warn".to_owned(),
            drain: Duration::from_secs(5),
            api_connections: 4,
            worker_connections: 6,
            appender_connections: 4,
            max_in_flight: 256,
            cors_origins: Vec::new(),
            reflection: true,
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(50),
            migrate: true,
            webhook_loopback: true,
            drop_folder: None,
            drop_look: Duration::from_millis(50),
        }
    }
}

pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|error| format!("{error}; write it like 250ms or 10s"))?;
    Duration::try_from(parsed)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "must be longer than nothing".to_owned())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if rate.is_finite() && rate > 0.0 && rate <= 100_000.0 {
        Ok(rate)
    } else {
        Err("must be above 0 and at most 100000".to_owned())
    }
}

fn parse_in_flight(text: &str) -> Result<usize, String> {
    let calls: usize = text.parse().map_err(|_| "is not a whole number".to_owned())?;
    if (1..=100_000).contains(&calls) { Ok(calls) } else { Err("must be 1 to 100000".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_length() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "10", "0s", "-3s", "soon"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_clock_cannot_stand_still_or_run_backwards() {
        assert_eq!(parse_rate("60"), Ok(60.0));
        for wrong in ["0", "-1", "NaN", "inf", "fast"] {
            assert!(parse_rate(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
