//! The command: the whole suite in one process, and the tools that talk to it.
//!
//! Progress goes to stderr; what a program would read goes to stdout, as one JSON line or a table.
#![allow(clippy::print_stderr, reason = "a command talks to a terminal")]

#[macro_use]
mod output;
mod client;
mod commands;
mod live;
mod suite;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::Connection;

/// The five services, in the order of the flow.
static SERVICES: &[throughline_journal::host::Service] = &[
    throughline_ingestion::SERVICE,
    throughline_deal_state::SERVICE,
    throughline_rules::SERVICE,
    throughline_notification::SERVICE,
    throughline_reporting::SERVICE,
];

/// Shows a dealer group, minute by minute, where every deal stands and where it lies idle.
#[derive(Parser)]
#[command(name = "throughline", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole suite in this process, on private servers unless told otherwise.
    Up(commands::up::Arguments),
    /// Add or list rooftops, or say when they are open.
    Rooftop(commands::rooftop::Arguments),
    /// Add, list, rotate or delete the signed addresses to which sources post.
    Hook(commands::hook::Arguments),
    /// Import files as history: canonical events, or a vendor's files by a source profile.
    Import(commands::import::Arguments),
    /// Source profiles: list, show, or try one on a file.
    Profile(commands::profile::Arguments),
    /// Show one deal: when things happened, how well that is known, how long they took.
    Deal(commands::deal::Arguments),
    /// List deals, the latest first.
    Deals(commands::deals::Arguments),
    /// What managers look at every day: deals laying, contracts in transit, trades not finalized, with their age.
    List(commands::list::Arguments),
    /// Say which numbers are of one deal, or take that back.
    Decide(commands::decide::Arguments),
    /// List flags, the latest first.
    Flags(commands::flags::Arguments),
    /// List what waits for a person's judgement, or resolve one.
    Reviews(commands::reviews::Arguments),
    /// Show the board once.
    Board(commands::board::Arguments),
    /// Show how rooftops stand: who waits, who is served, who is on shift, who is about to arrive.
    Floor(commands::floor::Arguments),
    /// Watch the live board in this terminal.
    Watch(commands::watch::Arguments),
    /// Cycle time, time in stage and idle at handoffs.
    Report(commands::report::Arguments),
    /// Measure the record against what is known to be true.
    Evaluate(commands::evaluate::Arguments),
    /// One hash over the content of all deals.
    StateHash(commands::state_hash::Arguments),
    /// How far each consumer is, what is parked, when each feed was last heard of.
    Status(commands::status::Arguments),
    /// Rebuild what a service keeps from its log beside the live tables, compare, and mend what differs.
    Rebuild(commands::rebuild::Arguments),
    /// Play a busy Saturday of several rooftops and watch it.
    Demo(commands::demo::Arguments),
    /// Write simulated store days: events as JSON lines, or the files of vendors.
    Simulate(commands::simulate::Arguments),
    /// Start a private Postgres with every schema, print its address and keep it until told to stop.
    Database(commands::database::Arguments),
    /// Measure ratios in one run: ingest against COPY, the whole pipeline, a change to a watcher.
    Bench(commands::bench::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throughline: {}", client::explain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(arguments) => commands::up::run(arguments).await,
        Command::Rooftop(arguments) => commands::rooftop::run(arguments).await,
        Command::Hook(arguments) => commands::hook::run(arguments).await,
        Command::Import(arguments) => commands::import::run(arguments).await,
        Command::Profile(arguments) => commands::profile::run(arguments),
        Command::Deal(arguments) => commands::deal::run(arguments).await,
        Command::Deals(arguments) => commands::deals::run(arguments).await,
        Command::List(arguments) => commands::list::run(arguments).await,
        Command::Decide(arguments) => commands::decide::run(arguments).await,
        Command::Flags(arguments) => commands::flags::run(arguments).await,
        Command::Reviews(arguments) => commands::reviews::run(arguments).await,
        Command::Board(arguments) => commands::board::run(arguments).await,
        Command::Floor(arguments) => commands::floor::run(arguments).await,
        Command::Watch(arguments) => commands::watch::run(arguments).await,
        Command::Report(arguments) => commands::report::run(arguments).await,
        Command::Evaluate(arguments) => commands::evaluate::run(arguments).await,
        Command::StateHash(arguments) => commands::state_hash::run(arguments).await,
        Command::Status(arguments) => commands::status::run(arguments).await,
        Command::Rebuild(arguments) => commands::rebuild::run(arguments).await,
        Command::Demo(arguments) => commands::demo::run(arguments).await,
        Command::Simulate(arguments) => commands::simulate::run(arguments),
        Command::Database(arguments) => commands::database::run(arguments).await,
        Command::Bench(arguments) => commands::bench::run(arguments).await,
    }
}
