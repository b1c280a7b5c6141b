//! The stream of entries: one for all parts held.
use std::time::Duration;

use throughline_platform::{MAX_MESSAGE_BYTES, failure::Failure};
use throughline_proto::log::v1::{
    GetHeadsRequest, PartPosition, SubscribeRequest, SubscribeResponse, log_service_client::LogServiceClient,
};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use super::Follower;
use crate::Projection;

/// Opening must not take longer; the stream itself has no end.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// More than two heartbeats: a stream that is silent for so long is dead.
pub(super) const SILENT_FOR: Duration = Duration::from_secs(40);

impl<P: Projection> Follower<P> {
    pub(super) async fn open(&self, after: Vec<PartPosition>) -> Result<Streaming<SubscribeResponse>, Status> {
        let spec = &self.0.spec;
        let request = SubscribeRequest { log: spec.log.to_owned(), after, consumer: spec.consumer.to_owned() };
        let mut client = LogServiceClient::new(self.0.consumer.cx.peers.channel(spec.peer))
            .max_decoding_message_size(MAX_MESSAGE_BYTES);
        match tokio::time::timeout(OPEN_WITHIN, client.subscribe(request)).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(Failure::deadline().into()),
        }
    }

    /// The log's heads, if its owner answers soon.
    pub(super) async fn upstream_heads(&self) -> Option<Vec<(u16, u64)>> {
        let spec = &self.0.spec;
        let mut request = tonic::Request::new(GetHeadsRequest { log: spec.log.to_owned() });
        request.set_timeout(Duration::from_secs(2));
        let answer =
            LogServiceClient::new(self.0.consumer.cx.peers.channel(spec.peer)).get_heads(request).await.ok()?;
        Some(answer.into_inner().heads.iter().map(|head| (head.part as u16, head.position)).collect())
    }
}

/// The part that lies before what is kept, if that is why the stream ended.
pub(super) fn too_old(status: &Status) -> Option<u16> {
    if status.code() != Code::OutOfRange {
        return None;
    }
    status.get_details_error_info()?.metadata.get("part")?.parse().ok()
}
