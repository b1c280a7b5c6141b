//! Reports over gRPC: parse, load, render.

use std::time::{Duration, Instant};

use throughline_journal::{Context, wait_for};
use throughline_platform::{
    Failure, MAX_MESSAGE_BYTES, Principal,
    principal::Scope,
    seal::{args_hash, page_size},
};
use throughline_proto::{
    report::v1::{
        GetReportRequest, ListDealWaitsRequest, ListDealWaitsResponse, Report,
        report_service_server::{ReportService, ReportServiceServer},
    },
    time::to_wire,
};
use tonic::{Request, Response, Status};

use crate::{
    domain::{MOST_ROWS, MOST_TIMED},
    metrics::ReportMetrics,
    store::{self, After},
    wire::{self, Parent},
    worker::CONSUMER,
};

/// How long a read waits for what its token names.
const CATCH_UP: Duration = Duration::from_secs(5);
const PAGE: u32 = 500;
const LARGEST_PAGE: u32 = 1_000;

/// Answers for reports.
#[derive(Clone)]
pub struct Reports {
    cx: Context,
    metrics: ReportMetrics,
}

impl Reports {
    pub fn new(cx: &Context, metrics: ReportMetrics) -> Self {
        Self { cx: cx.clone(), metrics }
    }

    /// As it is served.
    pub fn into_server(self) -> ReportServiceServer<Self> {
        ReportServiceServer::new(self).max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn report(&self, principal: Principal, request: GetReportRequest) -> Result<Report, Failure> {
        principal.require(Scope::Read)?;
        let (within, rooftops) = Parent::parse(&request.parent)?.admit(&principal)?;
        let question = wire::parse_question(&request, rooftops)?;
        wait_for(&self.cx, CONSUMER, &request.at_least, CATCH_UP).await?;

        let db = &self.cx.platform.db;
        let group = within.group.clone();
        let began = Instant::now();
        let (measures, counts) = db
            .read(&within, move |tx| {
                Box::pin(async move {
                    let mut measures = store::measure(tx, &group, &question).await?;
                    let counts = store::count_deals(tx, &group, &question).await?;
                    fits(&measures, &counts)?;
                    store::time_open_hours(tx, &group, &question, &mut measures).await?;
                    Ok::<_, Failure>((measures, counts))
                })
            })
            .await?;
        self.metrics.answered("report", measures.len() + counts.len(), began.elapsed());
        Ok(Report {
            measures: measures.into_iter().map(wire::render_measure).collect(),
            quality: counts.into_iter().map(wire::render_quality).collect(),
            as_of: Some(to_wire(self.cx.platform.clock.now())),
        })
    }

    async fn deal_waits(
        &self,
        principal: Principal,
        request: ListDealWaitsRequest,
    ) -> Result<ListDealWaitsResponse, Failure> {
        principal.require(Scope::Read)?;
        let (within, rooftops) = Parent::parse(&request.parent)?.admit(&principal)?;
        let size = page_size(request.page_size, PAGE, LARGEST_PAGE)?;
        let sealer = &self.cx.platform.sealer;
        let args = args_hash(&[&request.parent]);
        let after = sealer.open_page("deal waits", &within, &args, &request.page_token)?;
        let after = after.map(parse_after).transpose()?.unwrap_or_default();
        wait_for(&self.cx, CONSUMER, &request.at_least, CATCH_UP).await?;

        let group = within.group.clone();
        let began = Instant::now();
        let mut deals = self
            .cx
            .platform
            .db
            .read(&within, move |tx| {
                Box::pin(async move {
                    // One more than asked for tells whether there is a next page.
                    let deals = store::list_waits(tx, &group, rooftops.as_deref(), &after, size + 1).await?;
                    Ok::<_, Failure>(deals)
                })
            })
            .await?;
        self.metrics.answered("deal_waits", deals.len(), began.elapsed());
        let more = deals.len() > size as usize;
        deals.truncate(size as usize);
        let next = deals.last().filter(|_| more);
        let next_page_token = next
            .map(|last| sealer.page_token("deal waits", &within, &args, &render_after(&last.rooftop, &last.deal)))
            .unwrap_or_default();
        let deals = deals.into_iter().map(|deal| wire::render_waits(&within.group, deal)).collect();
        Ok(ListDealWaitsResponse { deals, next_page_token })
    }
}

#[tonic::async_trait]
impl ReportService for Reports {
    async fn get_report(&self, request: Request<GetReportRequest>) -> Result<Response<Report>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.report(principal, request.into_inner()).await?))
    }

    async fn list_deal_waits(
        &self,
        request: Request<ListDealWaitsRequest>,
    ) -> Result<Response<ListDealWaitsResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.deal_waits(principal, request.into_inner()).await?))
    }
}

/// Whether a report is one that can be answered.
fn fits(measures: &[store::Measure], counts: &[store::Counts]) -> Result<(), Failure> {
    if measures.len().max(counts.len()) > MOST_ROWS {
        let advice = "cut by fewer dimensions, or narrow start_time, end_time, measures or the parent";
        return Err(Failure::invalid("by", format!("gives more than {MOST_ROWS} rows: {advice}")));
    }
    let timed: u64 = measures.iter().map(|measure| measure.ended).sum();
    if timed > MOST_TIMED {
        let advice = "narrow start_time, end_time, measures or the parent";
        return Err(Failure::invalid("parent", format!("has {timed} intervals, more than {MOST_TIMED}: {advice}")));
    }
    Ok(())
}

/// Neither a rooftop's nor a deal's id holds a slash.
fn render_after(rooftop: &str, deal: &str) -> Vec<u8> {
    format!("{rooftop}/{deal}").into_bytes()
}

/// What we sealed ourselves, so it is not the caller's fault if it cannot be read.
fn parse_after(payload: Vec<u8>) -> Result<After, Failure> {
    let text = String::from_utf8(payload).map_err(Failure::internal)?;
    let (rooftop, deal) = text.split_once('/').ok_or_else(|| Failure::internal("a page token holds no deal"))?;
    Ok(After { rooftop: rooftop.to_owned(), deal: deal.to_owned() })
}
