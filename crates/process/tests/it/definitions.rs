//! The shipped definition, and what is said of wrong ones.

use serde_json::{Value, json};
use throughline_process::{Definition, IntervalKind};

use crate::made::def;

/// Every event type of the domain.
const TYPES: &str = "deal.opened deal.demo.started deal.writeup.submitted deal.desk.started deal.pencil.presented
    deal.manager_to.started deal.agreed deal.credit.submitted deal.credit.decisioned deal.stip.requested
    deal.stip.received deal.stip.cleared deal.fi.started deal.menu.presented deal.contract.signed deal.fi.finished
    deal.vehicle.get_ready_started deal.vehicle.ready deal.delivery.started deal.delivered deal.jacket.submitted
    deal.jacket.returned deal.jacket.accepted deal.contract.submitted deal.contract.received
    deal.contract.pending_docs deal.contract.returned deal.funded deal.rdr.transmitted deal.rdr.rejected deal.lost
    deal.unwound deal.reopened deal.assigned deal.survey.received trade.appraisal.requested trade.appraisal.started
    trade.appraised trade.acquired trade.recon.step_entered trade.recon.step_left trade.frontline trade.wholesaled
    trade.transferred staff.on_shift staff.off_shift store.opened store.closed feed.polled feed.failed";

#[test]
fn the_retail_deal_knows_the_whole_domain() {
    let def = def();
    for event_type in TYPES.split_whitespace() {
        assert!(def.knows(event_type), "{event_type}");
        assert!(def.rank(event_type) < u32::MAX);
    }
    assert_eq!(def.events.len(), TYPES.split_whitespace().count());
    assert_eq!(def.rank("deal.tea.served"), u32::MAX);
    let handoffs: Vec<&str> =
        def.intervals.iter().filter(|i| i.kind == IntervalKind::Handoff).map(|i| i.name.as_str()).collect();
    assert_eq!(handoffs, ["appraisal", "desk", "fi", "delivery", "jacket", "contract", "recon"]);
    let tracks: Vec<&str> = def.tracks.iter().map(|track| track.id.as_str()).collect();
    assert_eq!(tracks, ["customer", "credit", "contract_funding", "vehicle", "trade_recon", "delivery_report"]);
    assert_eq!(def.version(), "retail-deal@1");
}

#[test]
fn a_definition_survives_json() {
    let again = Definition::from_json(&def().to_json()).unwrap();
    assert_eq!(again.document(), def().document());
}

#[test]
fn every_role_of_the_retail_deal_belongs_to_a_department() {
    let def = def();
    for role in def.intervals.iter().filter_map(|interval| interval.role.as_ref()) {
        assert!(def.roles.iter().any(|named| named.id == *role), "{role}");
    }
}

#[test]
fn role_of_no_department_or_listed_twice_is_refused() {
    let found = mistakes(|json| {
        json["roles"][0]["department"] = json!("kitchen");
        json["roles"][2]["id"] = json!("desk_manager");
    });
    assert_eq!(
        found,
        ["roles[2]: 'desk_manager' is there twice", "roles[0].department: 'kitchen' is not among the departments"]
    );
    // Definitions from before roles were listed stay valid.
    assert_eq!(mistakes(|json| drop(json.as_object_mut().unwrap().remove("roles"))), [""; 0]);
}

fn mistakes(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut json: Value = serde_json::from_str(&def().to_json()).unwrap();
    change(&mut json);
    match Definition::from_json(&json.to_string()) {
        Ok(_) => Vec::new(),
        Err(error) => error.violations.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_wrong_definition_is_told_every_mistake_with_its_place() {
    let found = mistakes(|json| {
        json["version"] = json!(0);
        json["intervals"][0]["owner_department"] = json!("kitchen");
        json["intervals"][1]["start"] = json!([]);
        json["intervals"][2]["track"] = json!(null);
        json["intervals"][3]["name"] = json!("desk");
        json["intervals"][21]["offered_by_department"] = json!(null);
        json["intervals"][22]["end"][0] = json!("deal.fi.begun");
        json["intervals"][22]["track"] = json!("customer");
        json["targets"]["targets"][0]["measure"] = json!("stage.nowhere");
        json["targets"]["targets"][1]["red_seconds"] = json!(1);
        json["tracks"][1]["id"] = json!("customer");
        json["opened_by"] = json!("deal.begun");
    });
    assert_eq!(
        found,
        [
            "version: must be at least 1",
            "tracks[1]: 'customer' is there twice",
            "intervals[0].owner_department: 'kitchen' is not among the departments",
            "intervals[1].start: must name at least one event type",
            "intervals[2].track: every stage has one",
            "intervals[3].name: the stage 'desk' is there twice",
            "intervals[7].track: 'credit' is not among the tracks",
            "intervals[8].track: 'credit' is not among the tracks",
            "intervals[21].offered_by_department: every handoff has one",
            "intervals[22].track: a handoff has none",
            "intervals[22].end[0]: 'deal.fi.begun' is not among the events",
            "opened_by: 'deal.begun' is not among the events",
            "targets.targets[0].measure: 'stage.nowhere' is not KIND.NAME of an interval of this definition",
            "targets.targets[1].red_seconds: must not be below yellow_seconds",
        ]
    );
}

#[test]
fn an_order_that_runs_in_a_ring_is_refused() {
    let ring = json!({"before": "deal.delivered", "after": "deal.agreed"});
    let found = mistakes(|json| json["order"].as_array_mut().unwrap().push(ring));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("its rank must be lower"), "{found:?}");
}

#[test]
fn what_is_no_definition_at_all_is_refused_with_the_place() {
    let error = Definition::from_json("{\"id\": 3}").unwrap_err();
    assert_eq!(error.violations.len(), 1);
    assert!(error.to_string().contains("line 1 column 8"), "{error}");
    let unknown = mistakes(|json| json["colour"] = json!("red"));
    assert!(unknown[0].contains("unknown field `colour`"), "{unknown:?}");
}
