//! Whose deals a request is about.

use throughline_platform::{Failure, Principal, name};

/// `groups/{group}` or `groups/{group}/rooftops/{rooftop}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent<'a> {
    pub rooftop: Option<&'a str>,
    name: &'a str,
}

impl<'a> Parent<'a> {
    pub fn parse(parent: &'a str) -> Result<Self, Failure> {
        let rooftop = match parent.matches('/').count() {
            0..=2 => {
                name::parse_field("parent", "groups/{group}", parent)?;
                None
            }
            _ => name::parse_field("parent", "groups/{group}/rooftops/{rooftop}", parent)?.get(1).copied(),
        };
        Ok(Self { rooftop, name: parent })
    }

    /// The caller within this group, and the rooftops that the answer is held to: `None` means all of the group.
    pub fn admit(&self, principal: &Principal) -> Result<(Principal, Option<Vec<String>>), Failure> {
        let within = principal.in_group(self.name)?;
        let rooftops = match self.rooftop {
            Some(rooftop) => {
                within.require_rooftop(rooftop)?;
                Some(vec![rooftop.to_owned()])
            }
            None => within.rooftop_filter(),
        };
        Ok((within, rooftops))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use throughline_platform::failure::Code;

    use super::*;

    fn north_only() -> Principal {
        let rooftops = Some(BTreeSet::from(["north".to_owned()]));
        Principal { group: "summit".to_owned(), rooftops, service: false, ..Principal::service() }
    }

    #[test]
    fn a_key_is_held_to_its_rooftops() {
        let admit = |parent| Parent::parse(parent).unwrap().admit(&north_only());
        assert_eq!(admit("groups/summit").unwrap().1, Some(vec!["north".to_owned()]));
        assert_eq!(admit("groups/summit/rooftops/north").unwrap().1, Some(vec!["north".to_owned()]));
        for refused in ["groups/summit/rooftops/south", "groups/other", "groups/other/rooftops/north"] {
            assert_eq!(admit(refused).unwrap_err().code(), Code::PermissionDenied, "{refused}");
        }
    }

    #[test]
    fn a_name_of_another_form_is_refused() {
        for wrong in ["", "groups/", "groups/a/", "groups/a/rooftops", "groups/a/rooftops/b/deals/c", "rooftops/b"] {
            assert_eq!(Parent::parse(wrong).unwrap_err().field_violations()[0].field, "parent", "{wrong}");
        }
    }
}
