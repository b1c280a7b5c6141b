//! Calls that no generated client would make: bytes that are no message, deadlines that have passed on arrival.
use std::marker::PhantomData;

use axum::{body::Bytes, http::uri::PathAndQuery};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use prost::Message;
use throughline_proto::ingestion::v1::AppendEventsResponse;
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::Channel,
};

use crate::suite::{http, keyed};

const PATH: &str = "/throughline.ingestion.v1.IngestionService/AppendEvents";

/// Sends bytes as they are.
struct Raw<T>(PhantomData<T>);

impl<T: Message + Default + 'static> Codec for Raw<T> {
    type Encode = Vec<u8>;
    type Decode = T;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<T> Encoder for Raw<T> {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, bytes: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(bytes, &item);
        Ok(())
    }
}

impl<T: Message + Default> Decoder for Raw<T> {
    type Item = T;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<T>, Status> {
        T::decode(bytes).map(Some).map_err(|error| Status::from_error(Box::new(error)))
    }
}

/// Sends bytes as the request of `AppendEvents`; how they are refused.
pub async fn append(channel: Channel, key: &str, bytes: Vec<u8>) -> Status {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = Raw::<AppendEventsResponse>(PhantomData);
    client.unary(keyed(key, bytes), PathAndQuery::from_static(PATH), codec).await.unwrap_err()
}

/// Calls `AppendEvents` with a `grpc-timeout`, over gRPC-Web: a gRPC client would keep the deadline itself, and answer in
/// the server's stead.
pub async fn append_within(address: &str, key: &str, timeout: &str, request: &impl Message) -> Status {
    let message = request.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let answer = http()
        .post(format!("http://{address}{PATH}"))
        .header("content-type", "application/grpc-web+proto")
        .header("grpc-timeout", timeout)
        .bearer_auth(key)
        .body(frame)
        .send()
        .await
        .unwrap();
    let mut said: Vec<(String, String)> = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    // Trailers come as the last frame of the body where they are not in the head.
    let body = answer.bytes().await.unwrap();
    let text = String::from_utf8_lossy(&body);
    said.extend(text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| {
        let name = name.trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
        (name.to_owned(), value.trim().to_owned())
    }));
    let find = |name: &str| said.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let code = find("grpc-status").unwrap_or_else(|| panic!("no status in {said:?}"));
    let details = find("grpc-status-details-bin").unwrap_or_default();
    let details = BASE64_STANDARD_NO_PAD.decode(details.trim_end_matches('=')).unwrap();
    let message = find("grpc-message").unwrap_or_default();
    let code = Code::from_bytes(code.as_bytes());
    Status::with_details_and_metadata(code, message, Bytes::from(details), MetadataMap::new())
}
