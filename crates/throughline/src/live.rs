//! Following a stream of the suite for as long as somebody watches: opened again where it left off.
use std::{collections::BTreeMap, time::Duration};

use throughline_proto::{
    deal::v1::WatchBoardResponse,
    rule::v1::{Flag, WatchFlagsResponse},
};
use tokio::sync::mpsc::Sender;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use crate::output::rooftop_of;

/// A message that says from where its stream goes on.
pub trait Resumable {
    /// Empty: from the beginning.
    fn resume_token(&self) -> &str;
}

impl Resumable for WatchBoardResponse {
    fn resume_token(&self) -> &str {
        &self.resume_token
    }
}

impl Resumable for WatchFlagsResponse {
    fn resume_token(&self) -> &str {
        &self.resume_token
    }
}

/// Opens a stream with the last resume token, passes its messages on, and opens it again `pause` after it ends or fails.
/// Why it is not live is passed on, too. Returns once nobody receives any more.
pub async fn follow<M: Resumable, S: Stream<Item = Result<M, Status>> + Unpin>(
    mut open: impl AsyncFnMut(String) -> Result<S, Status>,
    received: Sender<Result<M, String>>,
    pause: Duration,
) {
    let mut token = String::new();
    loop {
        let ended = match open(token.clone()).await {
            Ok(mut stream) => loop {
                match stream.next().await {
                    Some(Ok(message)) => {
                        message.resume_token().clone_into(&mut token);
                        if received.send(Ok(message)).await.is_err() {
                            return;
                        }
                    }
                    Some(Err(status)) => break status.message().to_owned(),
                    None => break "the suite closed the stream".to_owned(),
                }
            },
            Err(status) => status.message().to_owned(),
        };
        if received.send(Err(ended)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// The standing flags, as a stream says.
#[derive(Default)]
pub struct Standing {
    flags: BTreeMap<String, Flag>,
    snapshot_under_way: bool,
}

impl Standing {
    /// Takes a response in.
    pub fn apply(&mut self, response: WatchFlagsResponse) {
        if response.snapshot {
            if !self.snapshot_under_way {
                self.flags.clear();
            }
            self.snapshot_under_way = !response.complete;
        }
        self.flags.retain(|name, _| !response.added_rooftops.iter().any(|added| rooftop_of(name) == added));
        self.flags.extend(response.flags.into_iter().map(|flag| (flag.name.clone(), flag)));
        for removal in &response.removed_flags {
            self.flags.remove(&removal.name);
        }
    }

    /// Every flag that stands.
    pub fn flags(&self) -> Vec<Flag> {
        self.flags.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use throughline_proto::rule::v1::Removal;

    use super::*;

    fn flag(rooftop: &str, id: &str) -> Flag {
        Flag { name: format!("groups/g/rooftops/{rooftop}/flags/{id}"), ..Flag::default() }
    }

    fn shown(standing: &Standing) -> Vec<String> {
        standing.flags().iter().map(|flag| flag.name.rsplit('/').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn snapshot_replaces_all_flags_and_a_rooftop_that_joins_only_its_own() {
        let mut standing = Standing::default();
        let page = |complete, flags| WatchFlagsResponse { snapshot: true, complete, flags, ..Default::default() };
        standing.apply(page(false, vec![flag("a", "1")]));
        standing.apply(page(true, vec![flag("a", "2")]));
        assert_eq!(shown(&standing), ["1", "2"]);
        let removed_flags = vec![Removal { name: flag("a", "1").name, ..Removal::default() }];
        let change = WatchFlagsResponse { flags: vec![flag("a", "3"), flag("b", "4")], ..Default::default() };
        standing.apply(WatchFlagsResponse { removed_flags, complete: true, ..change });
        assert_eq!(shown(&standing), ["2", "3", "4"]);
        let added_rooftops = vec!["b".to_owned()];
        standing.apply(WatchFlagsResponse { added_rooftops, flags: vec![flag("b", "5")], ..Default::default() });
        assert_eq!(shown(&standing), ["2", "3", "5"]);
        standing.apply(page(true, vec![flag("a", "6")]));
        assert_eq!(shown(&standing), ["6"]);
    }

    #[expect(clippy::disallowed_methods, reason = "what a server answers")]
    #[tokio::test]
    async fn stream_is_opened_again_with_the_token_of_the_last_message() {
        let message = |token: &str| Ok(WatchFlagsResponse { resume_token: token.to_owned(), ..Default::default() });
        let lost = || Err(Status::unavailable("the connection was lost"));
        let mut streams = vec![
            Err(Status::unavailable("nothing answers")),
            Ok(vec![message("1"), message("2"), lost()]),
            Ok(vec![message("3")]),
            // A snapshot that breaks off is taken anew.
            Ok(vec![message(""), lost()]),
            Ok(vec![message("4")]),
        ]
        .into_iter();
        let (send, mut receive) = tokio::sync::mpsc::channel(1);
        let mut opened = Vec::new();
        let following = follow(
            async |token| {
                opened.push(token);
                streams.next().expect("one more stream").map(tokio_stream::iter)
            },
            send,
            Duration::ZERO,
        );
        let watching = async {
            let mut received = Vec::new();
            while received.len() < 9 {
                let next: Result<WatchFlagsResponse, String> = receive.recv().await.expect("it goes on");
                received.push(next.map_or_else(|ended| ended, |message| message.resume_token));
            }
            drop(receive);
            received
        };
        let ((), received) = tokio::join!(following, watching);
        let (lost, closed) = ("the connection was lost", "the suite closed the stream");
        assert_eq!(received, ["nothing answers", "1", "2", lost, "3", closed, "", lost, "4"]);
        assert_eq!(opened, ["", "", "2", "3", ""]);
    }
}
