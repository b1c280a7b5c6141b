//! The codec of all generated clients and servers.
use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

/// What a refusal of this codec begins with; the server's layers give it its details.
pub const MALFORMED: &str = "the message is malformed: ";

/// As tonic's own, but bytes that are no message are the sender's fault (INVALID_ARGUMENT) and not ours (INTERNAL).
#[derive(Debug, Clone)]
pub struct StrictCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for StrictCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for StrictCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = StrictDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        StrictDecoder(PhantomData)
    }
}

/// Decodes messages.
#[derive(Debug, Clone)]
pub struct StrictDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for StrictDecoder<U> {
    type Item = U;
    type Error = Status;

    #[expect(
        clippy::disallowed_methods,
        reason = "tonic wants a Status of a codec; platform's layers make a Failure of it"
    )]
    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // prost names the message and the field, never a value.
        U::decode(bytes).map(Some).map_err(|error| Status::invalid_argument(format!("{MALFORMED}{error}")))
    }
}
