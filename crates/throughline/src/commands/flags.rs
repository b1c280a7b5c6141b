//! `throughline flags`: what deserves attention, the latest first.
use jiff::Timestamp;
use throughline_proto::{
    rule::v1::{Flag, ListFlagsRequest, Severity, flag::Subject, rule_service_client::RuleServiceClient},
    time::from_wire,
};

use crate::{
    Connection,
    client::{Patience, Server},
    output::{Format, Output, json_line, rooftop_of, table},
};

/// List flags.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only of this rooftop.
    #[arg(long)]
    rooftop: Option<String>,
    /// Also those that are closed.
    #[arg(long)]
    closed: bool,
    /// Only of this kind, such as handoff_idle.
    #[arg(long, default_value = "")]
    kind: String,
    /// At most so many; all with --format json.
    #[arg(long)]
    limit: Option<usize>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("rules", arguments.patience.timeout).await?;
    let limit = arguments.limit.unwrap_or(match arguments.output.format {
        Format::Json => usize::MAX,
        Format::Table => 40,
    });
    let request = ListFlagsRequest {
        parent: match &arguments.rooftop {
            Some(rooftop) => format!("{}/rooftops/{rooftop}", connection.parent),
            None => connection.parent.clone(),
        },
        show_closed: arguments.closed,
        kind: arguments.kind.clone(),
        ..ListFlagsRequest::default()
    };
    let flags = list(&connection, request, limit).await?;
    match arguments.output.format {
        Format::Json => flags.iter().try_for_each(|flag| json_line(&json(flag))),
        Format::Table => {
            let rows = flags.iter().map(row).collect();
            table(&["", "rooftop", "since (UTC)", "what", "has it"], rows, "no flags");
            Ok(())
        }
    }
}

/// Flags up to a limit, over pages.
///
/// # Errors
/// If the suite refuses.
pub async fn list(connection: &Connection, mut request: ListFlagsRequest, limit: usize) -> anyhow::Result<Vec<Flag>> {
    let mut client = RuleServiceClient::new(connection.channel.clone());
    let mut flags = Vec::new();
    request.page_size = limit.min(200) as i32;
    loop {
        let page = client.list_flags(request.clone()).await?.into_inner();
        flags.extend(page.flags);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() || flags.len() >= limit {
            flags.truncate(limit);
            return Ok(flags);
        }
    }
}

/// When the flag was opened.
pub fn opened(flag: &Flag) -> Option<Timestamp> {
    flag.opened_at.as_ref().and_then(from_wire)
}

/// The deal that a flag is about.
pub fn deal(flag: &Flag) -> Option<&str> {
    match flag.subject.as_ref()? {
        Subject::Deal(name) => Some(name),
        Subject::Floor(_) => None,
    }
}

/// `RED` or `YELLOW`.
pub fn severity_text(severity: Severity) -> &'static str {
    match severity {
        Severity::Red => "red",
        Severity::Yellow => "yellow",
        Severity::Unspecified => "-",
    }
}

fn row(flag: &Flag) -> Vec<String> {
    vec![
        severity_text(flag.severity()).to_owned(),
        rooftop_of(&flag.name).to_owned(),
        opened(flag).map(|at| at.strftime("%b %d %H:%M").to_string()).unwrap_or_default(),
        flag.summary.clone(),
        flag.acknowledgement.as_ref().map(|who| who.actor.clone()).unwrap_or_default(),
    ]
}

fn json(flag: &Flag) -> serde_json::Value {
    let instant = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(from_wire).map(|at| at.to_string());
    serde_json::json!({
        "name": flag.name,
        "rooftop": rooftop_of(&flag.name),
        "deal": deal(flag),
        "keys": flag.keys,
        "kind": flag.kind,
        "measure": flag.measure,
        "severity": severity_text(flag.severity()),
        "department": flag.department,
        "opened_at": instant(&flag.opened_at),
        "red_at": instant(&flag.red_at),
        "closed_at": instant(&flag.closed_at),
        "recorded_at": instant(&flag.recorded_at),
        "summary": flag.summary,
        "facts": flag.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone().into())).collect::<serde_json::Map<_, serde_json::Value>>(),
        "acknowledged_by": flag.acknowledgement.as_ref().map(|who| who.actor.as_str()),
        "rule_set": flag.rule_set_version,
        "definition": flag.definition_version,
        "calendar": flag.calendar_version,
    })
}
