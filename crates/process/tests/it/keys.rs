//! Keys and the ids that derive from them.

use throughline_process::{Event, Key, KeyKind, deal_id, keys_of};

use crate::made::event;

fn key(kind: KeyKind, scope: &str, value: &str) -> Key {
    Key { kind, scope: scope.to_owned(), value: value.to_owned() }
}

#[test]
fn an_event_names_its_subject_within_its_source_and_other_systems_numbers_for_the_rooftop() {
    let mut told = event("deal.opened", "09:00");
    for (name, value) in [("dms_deal", "7"), ("vin", "V"), ("stock", ""), ("phone", "5"), ("subject", "forged")] {
        told.keys.insert(name.to_owned(), value.to_owned());
    }
    let expected =
        [key(KeyKind::DmsDeal, "", "7"), key(KeyKind::Subject, "//crm.example/S1", "D1"), key(KeyKind::Vin, "", "V")];
    assert_eq!(keys_of(&told), expected);
    let traded = Event { trade: Some("T1".to_owned()), subject: None, keys: Default::default(), ..told };
    assert_eq!(keys_of(&traded), [key(KeyKind::Trade, "", "T1")]);
    assert_eq!(keys_of(&Event { trade: None, ..traded }), []);
}

#[test]
fn cars_find_deals_and_never_link_them() {
    let links: Vec<_> = KeyKind::ALL.into_iter().filter(|kind| !kind.links()).collect();
    let expected = [KeyKind::Stock, KeyKind::Vin, KeyKind::Lead, KeyKind::Trade, KeyKind::Sale, KeyKind::Decision];
    assert_eq!(links, expected);
    for kind in KeyKind::ALL {
        assert_eq!(KeyKind::parse(kind.as_str()), Some(kind));
    }
}

#[test]
fn a_deals_id_derives_from_its_best_key_in_whatever_order_keys_are_learnt() {
    let visit = key(KeyKind::Visit, "", "V1");
    let dms = key(KeyKind::DmsDeal, "", "7");
    let subject = key(KeyKind::Subject, "//crm.example/S1", "D1");
    let stock = key(KeyKind::Stock, "", "A1");
    let id = |keys: &[&Key]| deal_id("g", "S1", &keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>());

    assert_eq!(id(&[]), None);
    assert_eq!(id(&[&stock, &dms, &visit, &subject]), id(&[&visit]));
    assert_eq!(id(&[&subject, &dms]), id(&[&dms]));
    assert_eq!(id(&[&stock, &subject]), id(&[&subject]), "two deals may share a car");
    assert_ne!(id(&[&visit]), id(&[&dms]));
    assert_ne!(id(&[&visit]), deal_id("g", "S2", std::slice::from_ref(&visit)));
    assert_ne!(id(&[&visit]), deal_id("h", "S1", std::slice::from_ref(&visit)));
    let id = id(&[&visit]).unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
}
