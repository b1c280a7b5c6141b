//! Rooftops that the directory knows, and adding those that it does not.
use std::collections::HashSet;

use throughline_proto::{
    cloudevents::CloudEvent,
    tenant::v1::{
        CreateRooftopRequest, ListRooftopsRequest, Rooftop, directory_service_client::DirectoryServiceClient,
    },
};
use tonic::Code;

use super::lines::attribute;
use crate::{Connection, output::last_segment};

/// Rooftops that need not be asked for again.
pub struct Known {
    ids: HashSet<String>,
    zone: String,
}

impl Known {
    /// Reads the directory.
    ///
    /// # Errors
    /// If the suite refuses.
    pub async fn load(connection: &Connection, zone: &str) -> anyhow::Result<Self> {
        let mut ids = HashSet::new();
        let mut page_token = String::new();
        loop {
            let page = DirectoryServiceClient::new(connection.channel.clone())
                .list_rooftops(ListRooftopsRequest { parent: connection.parent.clone(), page_size: 500, page_token })
                .await?
                .into_inner();
            for rooftop in page.rooftops {
                ids.insert(last_segment(&rooftop.name).to_owned());
                ids.extend(rooftop.vendor_codes);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(Self { ids, zone: zone.to_owned() });
            }
        }
    }

    /// Adds the event's rooftop if the directory does not know it. One that the edge would refuse is left to the edge.
    ///
    /// # Errors
    /// If the suite refuses for another reason than the id.
    pub async fn ensure(&mut self, connection: &Connection, event: &CloudEvent) -> anyhow::Result<()> {
        let Some(id) = attribute(event, "rooftop") else { return Ok(()) };
        if self.ids.contains(id) {
            return Ok(());
        }
        let added = DirectoryServiceClient::new(connection.channel.clone())
            .create_rooftop(CreateRooftopRequest {
                parent: connection.parent.clone(),
                rooftop_id: id.to_owned(),
                rooftop: Some(Rooftop { zone: self.zone.clone(), display_name: id.to_owned(), ..Rooftop::default() }),
                request_id: uuid::Uuid::new_v4().to_string(),
                actor: String::new(),
            })
            .await;
        match added {
            Ok(_) => eprintln!("added rooftop {id} ({})", self.zone),
            Err(status) if matches!(status.code(), Code::AlreadyExists | Code::InvalidArgument) => {}
            Err(status) => return Err(status.into()),
        }
        self.ids.insert(id.to_owned());
        Ok(())
    }
}
