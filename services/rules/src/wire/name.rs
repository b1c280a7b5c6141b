//! Resource names.

/// The parts of `groups/{group}/rooftops/{rooftop}/deals/{deal}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DealName<'a> {
    pub group: &'a str,
    pub rooftop: &'a str,
    pub deal: &'a str,
}

impl<'a> DealName<'a> {
    /// None if it is no such name.
    pub fn parse(name: &'a str) -> Option<Self> {
        match name.split('/').collect::<Vec<_>>()[..] {
            ["groups", group, "rooftops", rooftop, "deals", deal]
                if ![group, rooftop, deal].iter().any(|part| part.is_empty()) =>
            {
                Some(Self { group, rooftop, deal })
            }
            _ => None,
        }
    }
}

/// `groups/{group}/rooftops/{rooftop}/flags/{flag}`, from the name of the deal that it is about.
pub fn flag_name(deal: &str, flag: &str) -> String {
    format!("{}/flags/{flag}", rooftop_of(deal))
}

/// `groups/{group}/rooftops/{rooftop}/reviews/{review}`, from the name of the deal that it is about.
pub fn review_name(deal: &str, review: &str) -> String {
    format!("{}/reviews/{review}", rooftop_of(deal))
}

fn rooftop_of(deal: &str) -> &str {
    deal.rsplit_once("/deals/").map_or(deal, |(rooftop, _)| rooftop)
}
