//! `throughline state-hash`: equal states, equal hash.
use throughline_proto::deal::v1::{GetStateHashRequest, deal_service_client::DealServiceClient};

use crate::{
    Connection,
    client::{Patience, Server},
    output::{Format, Output, json_line},
};

/// One hash over the content of all deals.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("deal-state", arguments.patience.timeout).await?;
    let answer = DealServiceClient::new(connection.channel.clone())
        .get_state_hash(GetStateHashRequest { parent: connection.parent.clone(), at_least: String::new() })
        .await?
        .into_inner();
    let hash: String = answer.state_hash.iter().map(|byte| format!("{byte:02x}")).collect();
    match arguments.output.format {
        Format::Json => json_line(&serde_json::json!({"state_hash": hash, "deals": answer.deals})),
        Format::Table => {
            say!("{hash}");
            eprintln!("{} deals", answer.deals);
            Ok(())
        }
    }
}
