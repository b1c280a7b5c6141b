//! `throughline demo`: a busy Saturday of several rooftops, played through the public API on a fast clock.
//!
//! Nothing in it is special: the suite is the one that `up` runs, the events go through `StreamEvents`, the board is
//! `WatchBoard`, and the webhook receiver verifies signatures as any receiver would.
mod facts;
pub mod player;
mod receiver;

use std::{
    io::{IsTerminal as _, stdout},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jiff::{Timestamp, civil::Date};
use throughline_proto::{
    notification::v1::{
        CreateRouteRequest, Route, WebhookChannel, notification_service_client::NotificationServiceClient,
        route::Channel,
    },
    rule::v1::{ListFlagsRequest, Severity},
    tenant::v1::{CreateRooftopRequest, Rooftop, directory_service_client::DirectoryServiceClient},
};
use throughline_simulator::{Condition, Plan, Simulated, busy_saturday, simulate};

use crate::{
    Connection,
    commands::{board, flags, report},
    suite::{self, Suite},
};

/// How often the board is shown.
const SHOW_EVERY: Duration = Duration::from_secs(20);
/// How long the suite may take to catch up at the end.
const CATCH_UP: Duration = Duration::from_secs(30);
/// The simulated day ends here; what lies later (paper, reconditioning) belongs to the weeks after.
const DAY_HOURS: i64 = 15;

/// Play a busy Saturday and watch it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The same seed, the same day.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many rooftops.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(3..=24))]
    rooftops: u32,
    /// How long the day lasts at this terminal, in seconds.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(30..=3600))]
    seconds: u64,
    /// Where the private servers keep their files; a temporary folder if absent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Stay up after the day, also without a terminal.
    #[arg(long)]
    stay: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let saturday: Date = "2026-09-05".parse()?;
    let plan = busy_saturday(arguments.seed, arguments.rooftops, saturday);
    let events = simulate(&plan)?;
    let start = events.first().context("the simulator made no event")?.arrives_at;
    let end = start + jiff::SignedDuration::from_hours(DAY_HOURS);
    let today: Vec<Simulated> = events.into_iter().take_while(|simulated| simulated.arrives_at < end).collect();
    let rate = DAY_HOURS as f64 * 3600.0 / arguments.seconds as f64;

    introduce(&plan, &today, rate);
    let folder;
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None => {
            folder = suite::temporary_folder()?;
            folder.path().to_owned()
        }
    };
    let suite = Suite::start(suite::Plan {
        clock: Some((start - jiff::SignedDuration::from_mins(5), rate)),
        ..suite::Plan::embedded(data)
    })
    .await?;
    say!("the suite is up: gRPC {}, HTTP {}", suite.grpc, suite.http);
    let outcome = play(&arguments, &plan, today, &suite).await;
    if outcome.is_ok() && (arguments.stay || stdout().is_terminal()) {
        say!("\nthe suite stays up; Ctrl-C stops it");
        let _ = tokio::signal::ctrl_c().await;
    }
    suite.stop().await?;
    outcome
}

fn introduce(plan: &Plan, events: &[Simulated], rate: f64) {
    say!(
        "a busy Saturday at {} rooftops, {} events, a minute of it every {:.2} s",
        plan.rooftops.len(),
        events.len(),
        60.0 / rate
    );
    for rooftop in &plan.rooftops {
        let mut story: Vec<String> = rooftop
            .conditions
            .iter()
            .filter_map(|condition| match condition {
                Condition::SlowLender { factor } => Some(format!("a lender {factor:.0} times as slow as usual")),
                Condition::ManagerAway { role, from, to } => {
                    let role = format!("{role:?}").to_lowercase().replace("fi", "F&I ");
                    Some(format!(
                        "one {} away from {} to {}",
                        role.trim(),
                        from.strftime("%H:%M"),
                        to.strftime("%H:%M")
                    ))
                }
                Condition::ShortDetail { missing } => Some(format!("detailers missing: {missing}")),
                Condition::Normal => None,
            })
            .collect();
        if story.is_empty() {
            story.push("a usual busy day".to_owned());
        }
        say!("  {} ({}): {}", rooftop.id, rooftop.zone, story.join(", "));
    }
}

async fn play(arguments: &Arguments, plan: &Plan, today: Vec<Simulated>, suite: &Suite) -> anyhow::Result<()> {
    let connection = suite.connect().await?;
    for rooftop in &plan.rooftops {
        DirectoryServiceClient::new(connection.channel.clone())
            .create_rooftop(CreateRooftopRequest {
                parent: connection.parent.clone(),
                rooftop_id: rooftop.id.to_string(),
                rooftop: Some(Rooftop {
                    zone: rooftop.zone.clone(),
                    display_name: rooftop.id.to_string(),
                    ..Rooftop::default()
                }),
                request_id: uuid::Uuid::new_v4().to_string(),
                actor: String::new(),
            })
            .await?;
    }
    let receiver = receiver::Receiver::start().await?;
    let route = NotificationServiceClient::new(connection.channel.clone())
        .create_route(CreateRouteRequest {
            parent: connection.parent.clone(),
            route: Some(Route {
                min_severity: Severity::Red.into(),
                measures: vec!["handoff.fi".to_owned()],
                channel: Some(Channel::Webhook(WebhookChannel { url: receiver.url() })),
                ..Route::default()
            }),
            request_id: uuid::Uuid::new_v4().to_string(),
            actor: String::new(),
        })
        .await?
        .into_inner();
    receiver.trust(&route.signing_secret)?;
    say!("red flags of customers who wait for F&I go to {}\n", receiver.url());

    let clock = suite.clock();
    let mut player = player::Player::start(&connection, today).await?;
    let began = Instant::now();
    let mut shown = began;
    while player.advance(clock.now()).await? {
        if shown.elapsed() >= SHOW_EVERY {
            shown = Instant::now();
            show(&connection, &receiver).await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let played = player.finish().await?;
    say!(
        "the day took {:.0} s: {} events sent, {} accepted, {} repeated",
        began.elapsed().as_secs_f64(),
        played.sent,
        played.accepted,
        played.duplicates
    );
    anyhow::ensure!(played.set_apart == 0, "{} events were not accepted", played.set_apart);

    for consumer in ["notification", "reporting"] {
        connection.caught_up(consumer, CATCH_UP).await?;
    }
    let first = receiver.first(CATCH_UP).await?;
    finish(arguments, &connection, &receiver, first, suite).await
}

async fn show(connection: &Connection, receiver: &receiver::Receiver) -> anyhow::Result<()> {
    let now = board::load(connection, Vec::new()).await?;
    let standing = flags::list(connection, board::open_flags(connection), board::FLAGS).await?;
    let red = standing.iter().filter(|flag| flag.severity() == Severity::Red).count();
    say!("{}", now.text(&standing, &board::zones(connection).await?, 8).trim_end());
    say!(
        "{} flags stand, {red} of them red; {} webhooks delivered and verified\n",
        standing.len(),
        receiver.verified()
    );
    Ok(())
}

async fn finish(
    arguments: &Arguments,
    connection: &Connection,
    receiver: &receiver::Receiver,
    first: receiver::Delivered,
    suite: &Suite,
) -> anyhow::Result<()> {
    let request = ListFlagsRequest { show_closed: true, ..board::open_flags(connection) };
    let all = flags::list(connection, request, 100_000).await?;
    let waits = facts::long_waits(connection, &all).await?;

    say!("\nwhat the day came to");
    let by_rooftop = report::load(
        connection,
        connection.parent.clone(),
        &[report::By::Rooftop],
        vec![
            "handoff.fi".to_owned(),
            "handoff.desk".to_owned(),
            "handoff.delivery".to_owned(),
            "cycle.delivered".to_owned(),
        ],
    )
    .await?;
    say!("{}", report::text(&by_rooftop, report::Hours::Both));
    say!("{} flags were raised", all.len());
    let warned =
        waits.iter().filter(|wait| wait.warned_after.is_some_and(|minutes| minutes < facts::FAILURE_MINUTES)).count();
    say!(
        "{} customers waited {} minutes or more for F&I; {warned} of them were flagged before that, the latest after {:.0} minutes",
        waits.len(),
        facts::FAILURE_MINUTES,
        waits.iter().filter_map(|wait| wait.warned_after).fold(0.0, f64::max),
    );
    say!(
        "{} webhooks delivered and verified, {} refused; the first, {}, told: {}",
        receiver.verified(),
        receiver.refused(),
        first.id,
        first.summary
    );
    anyhow::ensure!(warned == waits.len(), "{} customers waited 90 minutes without a flag", waits.len() - warned);

    say!("\nto explore");
    let key = suite.key_file.display();
    say!("  export THROUGHLINE_SERVER={} THROUGHLINE_KEY_FILE={key}", suite.grpc);
    say!("  throughline board | flags --closed | reviews | report --by rooftop,hour | status | watch");
    say!("  http://{}/metrics   http://{}/readyz", suite.http, suite.http);
    if !arguments.stay && !stdout().is_terminal() {
        say!("(there is no terminal, so the suite stops now; `throughline demo --stay` keeps it)");
    }
    Ok(())
}

/// Minutes between two instants.
fn minutes(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / 60.0
}
