//! `throughline rooftop add ID --zone Z`, `rooftop list` and `rooftop calendar ID`.
mod calendar;
mod hours;

use std::path::PathBuf;

use clap::Subcommand;
use throughline_proto::tenant::v1::{
    CreateRooftopRequest, ListRooftopsRequest, Rooftop, directory_service_client::DirectoryServiceClient,
};

use crate::{
    Connection,
    client::Server,
    output::{Format, Output, json_line, last_segment, table},
};

/// Add or list rooftops, and say when they are open.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Action {
    /// Add a rooftop to the group of the key.
    Add {
        /// The id that its events carry.
        id: String,
        /// IANA zone, such as America/New_York.
        #[arg(long)]
        zone: String,
        /// Label for people; the id if absent.
        #[arg(long)]
        name: Option<String>,
    },
    /// List the rooftops that the key may see.
    List,
    /// Show when a rooftop and its departments are open, as the file that --file takes.
    Calendar {
        /// Its id.
        id: String,
        /// Set all calendars to those of this YAML file; none that it leaves out stays.
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    let rooftops = match arguments.action {
        Action::Add { id, zone, name } => {
            let display_name = name.unwrap_or_else(|| id.clone());
            let added = DirectoryServiceClient::new(connection.channel.clone())
                .create_rooftop(CreateRooftopRequest {
                    parent: connection.parent.clone(),
                    rooftop_id: id,
                    rooftop: Some(Rooftop { zone, display_name, ..Rooftop::default() }),
                    request_id: uuid::Uuid::new_v4().to_string(),
                    actor: String::new(),
                })
                .await?
                .into_inner();
            vec![added]
        }
        Action::List => list(&connection).await?,
        Action::Calendar { id, file } => {
            return calendar::run(&connection, &id, file, arguments.output.format).await;
        }
    };
    print(&rooftops, arguments.output.format)
}

/// All rooftops that the key may see.
///
/// # Errors
/// If the suite refuses.
pub async fn list(connection: &Connection) -> anyhow::Result<Vec<Rooftop>> {
    let mut rooftops = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = DirectoryServiceClient::new(connection.channel.clone())
            .list_rooftops(ListRooftopsRequest { parent: connection.parent.clone(), page_size: 500, page_token })
            .await?
            .into_inner();
        rooftops.extend(page.rooftops);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(rooftops);
        }
    }
}

fn print(rooftops: &[Rooftop], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => rooftops.iter().try_for_each(|rooftop| {
            json_line(&serde_json::json!({
                "rooftop": last_segment(&rooftop.name), "name": rooftop.name, "zone": rooftop.zone, "part": rooftop.part,
                "definition": rooftop.definition_version, "vendor_codes": rooftop.vendor_codes,
            }))
        }),
        Format::Table => {
            let rows = rooftops
                .iter()
                .map(|rooftop| {
                    vec![
                        last_segment(&rooftop.name).to_owned(),
                        rooftop.zone.clone(),
                        rooftop.definition_version.clone(),
                        rooftop.part.to_string(),
                    ]
                })
                .collect();
            table(&["rooftop", "zone", "definition", "part"], rows, "no rooftops yet: add one with `throughline rooftop add ID --zone ZONE`");
            Ok(())
        }
    }
}
