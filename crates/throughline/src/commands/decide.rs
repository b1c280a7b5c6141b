//! `throughline decide`: which numbers are of one deal, as a person says.
use throughline_proto::{
    event::v1::{DecisionKind, Key},
    ingestion::v1::{
        CreateDecisionRequest, IdentityDecision, ListDecisionsRequest, WithdrawDecisionRequest,
        decision_service_client::DecisionServiceClient,
    },
    time::from_wire,
};

use crate::{
    Connection,
    client::{Keyed, Server},
    output::{Format, Output, json_line, last_segment, table},
};

/// Decide which numbers are of one deal, take a decision back, or list decisions.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Subcommand)]
enum What {
    /// Two numbers are of one deal.
    Link(Pair),
    /// Two numbers are of two deals.
    Split(Pair),
    /// Take a decision back, as if it had never been made.
    Undo {
        /// Rooftop id.
        #[arg(long)]
        rooftop: String,
        /// Its id, as `decide list` shows it.
        decision: String,
        #[command(flatten)]
        by: By,
    },
    /// Decisions, newest first.
    List {
        /// Rooftop id.
        #[arg(long)]
        rooftop: String,
        /// At most so many.
        #[arg(long, default_value_t = 40)]
        limit: usize,
    },
}

#[derive(clap::Args)]
struct Pair {
    /// Rooftop id.
    #[arg(long)]
    rooftop: String,
    /// A number: `visit:V1`, `dms_deal:D100`, `application:A7`, or `subject:D1@//dms.example/RT1` with its source.
    one: String,
    /// The other number.
    other: String,
    #[command(flatten)]
    by: By,
}

#[derive(clap::Args)]
struct By {
    /// Staff id of who decides.
    #[arg(long)]
    actor: String,
    /// Why, in a few words: a code such as `same customer`.
    #[arg(long, default_value = "")]
    reason: String,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    let mut client = DecisionServiceClient::new(connection.channel.clone());
    let decisions = match arguments.what {
        What::Link(pair) => {
            vec![client.create_decision(asked(&connection, DecisionKind::Link, pair)?).await?.into_inner()]
        }
        What::Split(pair) => {
            vec![client.create_decision(asked(&connection, DecisionKind::Split, pair)?).await?.into_inner()]
        }
        What::Undo { rooftop, decision, by } => {
            let request = WithdrawDecisionRequest {
                name: format!("{}/rooftops/{rooftop}/decisions/{decision}", connection.parent),
                actor: by.actor,
                reason: by.reason,
                request_id: uuid::Uuid::new_v4().to_string(),
            };
            vec![client.withdraw_decision(request).await?.into_inner()]
        }
        What::List { rooftop, limit } => list(&connection, &mut client, &rooftop, limit).await?,
    };
    match arguments.output.format {
        Format::Json => decisions.iter().try_for_each(|decision| json_line(&json(decision))),
        Format::Table => {
            let header = ["decision", "what", "one", "other", "why", "when (UTC)", "taken back"];
            table(&header, decisions.iter().map(row).collect(), "nobody has decided anything");
            Ok(())
        }
    }
}

async fn list(
    connection: &Connection,
    client: &mut DecisionServiceClient<Keyed>,
    rooftop: &str,
    limit: usize,
) -> anyhow::Result<Vec<IdentityDecision>> {
    let mut decisions = Vec::new();
    let mut page_token = String::new();
    loop {
        let parent = format!("{}/rooftops/{rooftop}", connection.parent);
        let request = ListDecisionsRequest { parent, page_size: limit.min(200) as i32, page_token };
        let page = client.list_decisions(request).await?.into_inner();
        decisions.extend(page.decisions);
        page_token = page.next_page_token;
        if page_token.is_empty() || decisions.len() >= limit {
            decisions.truncate(limit);
            return Ok(decisions);
        }
    }
}

fn asked(connection: &Connection, kind: DecisionKind, pair: Pair) -> anyhow::Result<CreateDecisionRequest> {
    Ok(CreateDecisionRequest {
        parent: format!("{}/rooftops/{}", connection.parent, pair.rooftop),
        decision: Some(IdentityDecision {
            kind: kind.into(),
            one: Some(number(&pair.one)?),
            other: Some(number(&pair.other)?),
            reason: pair.by.reason,
            ..IdentityDecision::default()
        }),
        actor: pair.by.actor,
        request_id: uuid::Uuid::new_v4().to_string(),
    })
}

/// `kind:value`, or `subject:value@source`.
fn number(text: &str) -> anyhow::Result<Key> {
    let (kind, value) = text
        .split_once(':')
        .ok_or_else(|| anyhow::anyhow!("{text:?} is no number of a deal: write its kind first, such as visit:V1"))?;
    let (value, scope) = match kind {
        "subject" => value.split_once('@').unwrap_or((value, "")),
        _ => (value, ""),
    };
    Ok(Key { kind: kind.to_owned(), scope: scope.to_owned(), value: value.to_owned() })
}

fn text(key: Option<&Key>) -> String {
    let Some(Key { kind, scope, value }) = key else { return String::new() };
    if scope.is_empty() { format!("{kind}:{value}") } else { format!("{kind}:{value}@{scope}") }
}

fn what(decision: &IdentityDecision) -> &'static str {
    match decision.kind() {
        DecisionKind::Link => "link",
        DecisionKind::Split => "split",
        DecisionKind::Withdrawal | DecisionKind::Unspecified => "",
    }
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<jiff::Timestamp> {
    at.and_then(from_wire)
}

fn row(decision: &IdentityDecision) -> Vec<String> {
    let shown = |at| instant(at).map(|at| at.strftime("%b %d %H:%M").to_string()).unwrap_or_default();
    vec![
        last_segment(&decision.name).to_owned(),
        what(decision).to_owned(),
        text(decision.one.as_ref()),
        text(decision.other.as_ref()),
        decision.reason.clone(),
        shown(decision.create_time.as_ref()),
        shown(decision.withdraw_time.as_ref()),
    ]
}

fn json(decision: &IdentityDecision) -> serde_json::Value {
    let shown = |at| instant(at).map(|at| at.to_string());
    serde_json::json!({
        "name": decision.name, "kind": what(decision), "one": text(decision.one.as_ref()),
        "other": text(decision.other.as_ref()), "reason": decision.reason, "actor": decision.actor,
        "create_time": shown(decision.create_time.as_ref()), "withdraw_time": shown(decision.withdraw_time.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_as_it_is_written() {
        for written in ["visit:V1", "dms_deal:D:1", "subject:D1@//dms.example/RT1"] {
            assert_eq!(text(Some(&number(written).unwrap())), written);
        }
        assert!(number("V1").is_err());
    }
}
