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

/// `groups/{group}/rooftops/{rooftop}/flags/{flag}`, from the name of the deal or floor that it is about.
pub fn flag_name(subject: &str, flag: &str) -> String {
    format!("{}/flags/{flag}", rooftop_of(subject))
}

/// `groups/{group}/rooftops/{rooftop}/reviews/{review}`, from the name of the deal that it is about.
pub fn review_name(deal: &str, review: &str) -> String {
    format!("{}/reviews/{review}", rooftop_of(deal))
}

fn rooftop_of(subject: &str) -> &str {
    let floor = || subject.strip_suffix("/floor");
    subject.rsplit_once("/deals/").map(|(rooftop, _)| rooftop).or_else(floor).unwrap_or(subject)
}
