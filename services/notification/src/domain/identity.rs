//! Stable ids: the same flag, step and route always make the same message.

use uuid::Uuid;

use super::Severity;

/// Of messages about flags.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a0c_5b6e_3f0b_4f57_9d5c_21d8_0f2a_74e3);

/// Id of a message, which the receiver sees as `webhook-id`.
pub fn delivery_id(group: &str, flag: &str, step: Severity, route: &str) -> Uuid {
    let mut name = Vec::new();
    for part in [group, flag, step.as_str(), route] {
        // Lengths first, so that no two of them read the same.
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_never_changes() {
        let id = delivery_id("summit", "f1", Severity::Red, "r1");
        assert_eq!(id.to_string(), "0cddcdd2-1257-5241-a13c-1f0d982f7fe5");
        assert_eq!(id.get_version_num(), 5);
    }

    proptest! {
        #[test]
        fn another_flag_step_route_or_group_is_another_message(a in "[a-z]{0,3}", b in "[a-z]{0,3}", c in "[a-z]{0,3}",
                                                               d in "[a-z]{0,3}", e in "[a-z]{0,3}", f in "[a-z]{0,3}") {
            let same = (&a, &b, &c) == (&d, &e, &f);
            let one = delivery_id(&a, &b, Severity::Red, &c);
            prop_assert_eq!(one == delivery_id(&d, &e, Severity::Red, &f), same);
            prop_assert_ne!(one, delivery_id(&a, &b, Severity::Yellow, &c));
        }
    }
}
