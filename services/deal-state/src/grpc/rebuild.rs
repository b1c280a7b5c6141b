//! Rebuilding deals, as an operator asks for it.

use futures::{StreamExt, stream::BoxStream};
use throughline_platform::{Failure, principal::Principal};
use throughline_proto::deal::v1::{
    self as pb,
    rebuild_response::Said as Wire,
    rebuild_service_server::{RebuildService, RebuildServiceServer},
};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use crate::{
    rebuild::{Difference, Kind, Rebuild, Said},
    wire::deal_name,
};

const DIFFERENCES: i32 = 100;
const MOST_DIFFERENCES: i32 = 10_000;

/// What may wait for a slow caller.
const WAITING: usize = 64;

/// Rebuilds of deals.
#[derive(Clone)]
pub struct Rebuilds(pub Rebuild);

impl Rebuilds {
    pub fn server(self) -> RebuildServiceServer<Self> {
        RebuildServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl RebuildService for Rebuilds {
    type RebuildStream = BoxStream<'static, Result<pb::RebuildResponse, Status>>;

    async fn rebuild(&self, request: Request<pb::RebuildRequest>) -> Result<Response<Self::RebuildStream>, Status> {
        Principal::of(&request)?.require_service()?;
        let request = request.into_inner();
        let differences = match request.max_differences {
            0 => DIFFERENCES,
            asked @ 1..=MOST_DIFFERENCES => asked,
            asked => {
                let problem = format!("must be 1 to {MOST_DIFFERENCES}, or 0 for {DIFFERENCES}, was {asked}");
                return Err(Failure::invalid("max_differences", problem).into());
            }
        };
        let (say, mut heard) = mpsc::channel(WAITING);
        let rebuild = self.0.clone().run(request.dry_run, differences as usize, say);
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends when its caller hangs up, and then cleans up behind it"
        )]
        tokio::spawn(rebuild);
        let said = futures::stream::poll_fn(move |cx| heard.poll_recv(cx));
        Ok(Response::new(said.map(|said| Ok(render(said?))).boxed()))
    }
}

fn render(said: Said) -> pb::RebuildResponse {
    let said = match said {
        Said::Progress(progress) => Wire::Progress(pb::RebuildProgress {
            parts_compared: progress.parts_compared.into(),
            parts: progress.parts.into(),
            entries_read: progress.entries_read,
            rows_compared: progress.rows_compared,
            rows_differing: progress.rows_differing,
        }),
        Said::Difference(difference) => Wire::Difference(render_difference(difference)),
        Said::Refusal { part, why } => Wire::Refusal(pb::RebuildRefusal { part: part.into(), reason: why }),
        Said::Summary(summary) => Wire::Summary(pb::RebuildSummary {
            parts: summary.progress.parts_compared.into(),
            entries_read: summary.progress.entries_read,
            rows_compared: summary.progress.rows_compared,
            deals_compared: summary.deals_compared,
            differences: summary
                .differences
                .into_iter()
                .map(|((table, kind), rows)| pb::RebuildCount {
                    table: table.to_owned(),
                    kind: render_kind(kind).into(),
                    rows,
                })
                .collect(),
            rows_mended: summary.rows_mended,
            entries_said: summary.entries_said,
            parts_refused: summary.parts_refused,
        }),
    };
    pb::RebuildResponse { said: Some(said) }
}

fn render_difference(difference: Difference) -> pb::RebuildDifference {
    let Difference { part, table, kind, group, rooftop, deal } = difference;
    pb::RebuildDifference {
        table: table.to_owned(),
        kind: render_kind(kind).into(),
        deal: deal.map(|deal| deal_name(&group, &rooftop, deal)).unwrap_or_default(),
        rooftop: format!("groups/{group}/rooftops/{rooftop}"),
        part: part.into(),
    }
}

fn render_kind(kind: Kind) -> pb::RebuildDifferenceKind {
    match kind {
        Kind::Missing => pb::RebuildDifferenceKind::Missing,
        Kind::Surplus => pb::RebuildDifferenceKind::Surplus,
        Kind::Changed => pb::RebuildDifferenceKind::Changed,
    }
}
