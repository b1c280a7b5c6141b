//! Leads as ADF, an XML document a file, as well and as badly as senders write it by hand.

use jiff::Timestamp;

use super::canary::Canary;
use super::clock::later;
use super::numbers::Numbers;
use super::visit::Visit;
use super::{File, Store};

/// Share of the visits that began on the web.
const WRITES_BEFORE: f64 = 0.35;
/// Of so many leads one is of somebody who never came.
const STAYS_AWAY: usize = 5;
/// Of so many leads one is sent again.
const SENT_AGAIN: usize = 7;

struct Lead<'l> {
    id: String,
    at: Timestamp,
    stock: &'l str,
    /// VIN of the car that the customer would like to leave.
    trade: Option<&'l str>,
    customer: Canary,
}

/// Where headers come in the wrong order, without quotes or in curly ones.
#[derive(Clone, Copy)]
enum Hand {
    Right,
    Swapped,
    Curly,
}

const HANDS: [Hand; 5] = [Hand::Right, Hand::Right, Hand::Swapped, Hand::Right, Hand::Curly];

pub(super) fn files(store: &Store<'_>, visits: &[Visit<'_>]) -> Vec<File> {
    let mut files = Vec::new();
    for (number, lead) in leads(store, visits).iter().enumerate() {
        let hand = HANDS[number % HANDS.len()];
        files.push(File::new(format!("crm/leads/{}.xml", lead.id), document(store, lead, "new", hand)));
        if number % SENT_AGAIN == SENT_AGAIN / 2 {
            let again = document(store, lead, "resend", hand);
            files.push(File::new(format!("crm/leads/{}_again.xml", lead.id), again));
        }
    }
    files
}

fn leads<'l>(store: &Store<'_>, visits: &'l [Visit<'_>]) -> Vec<Lead<'l>> {
    let mut leads = Vec::new();
    for visit in visits {
        let mut draw = store.draw("leads", visit.number);
        let (writes, days_before) = (draw.chance(WRITES_BEFORE), draw.between(0.1, 4.0));
        let Some(opened) = visit.at("deal.opened").filter(|_| writes) else { continue };
        let Numbers { lead, stock, trade, .. } = &visit.numbers;
        let (trade, at) = (visit.shows_trade().then_some(trade.as_str()), later(opened, -days_before * 24.0 * 60.0));
        leads.push(Lead { id: lead.clone(), at, stock, trade, customer: Canary::new(visit.number) });
        if leads.len() % STAYS_AWAY == STAYS_AWAY - 1 {
            let id = (88_000 + visit.number).to_string();
            leads.push(Lead { id, at, stock, trade: None, customer: Canary::new(40_000 + visit.number) });
        }
    }
    leads
}

fn document(store: &Store<'_>, lead: &Lead<'_>, status: &str, hand: Hand) -> String {
    let (header, sequence, quote, and) = match hand {
        Hand::Right => {
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<?adf version=\"1.0\"?>\n", "\"1\"", ["\"", "\""], "&amp;")
        }
        Hand::Swapped => ("<?ADF VERSION \"1.0\"?>\n<?XML VERSION \"1.0\"?>\n", "1", ["\"", "\""], "&amp;"),
        Hand::Curly => ("<?adf version=\u{201c}1.0\u{201d}?>\n", "1", ["\u{201c}", "\u{201d}"], "&"),
    };
    let [open, close] = quote;
    let Lead { id, at, stock, customer, .. } = lead;
    let Canary { name, street, phone, email, .. } = customer;
    let asked = store.clock.with_offset(*at);
    let trade = lead.trade.map(|vin| {
        format!("<vehicle interest=\"trade-in\" status=\"used\"><make>Halden</make><model>Brook</model><vin>{vin}</vin></vehicle>")
    });
    let trade = trade.unwrap_or_default();
    format!(
        "{header}<adf><prospect status={open}{status}{close}><id sequence={sequence} source=\"Lotfinder\">{id}</id>\
         <requestdate>{asked}</requestdate>\
         <vehicle interest=\"buy\" status=\"new\"><make>Halden</make><model>Fjord</model><stock>{stock}</stock></vehicle>{trade}\
         <customer><contact><name part=\"full\">{name}</name><email>{email}</email><phone type=\"voice\">{phone}</phone>\
         <address><street>{street}</street></address></contact><comments>CANARY-NOTE of {name}</comments></customer>\
         <vendor><id source=\"group\">{}</id><vendorname>Cars {and} Trucks of {}</vendorname></vendor>\
         <provider><name part=\"full\">Lotfinder</name></provider></prospect></adf>\n",
        store.rooftop, store.rooftop,
    )
}
