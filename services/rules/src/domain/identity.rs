//! Stable ids: the same interval of the same deal always has the same one, in whatever order things were learnt.

/// Id of a flag: 32 hexadecimal digits from the deal's resource name and the interval's id within the deal.
pub fn flag_id(deal: &str, interval: &str) -> String {
    digest("flag", deal, interval)
}

/// Id of a review: 32 hexadecimal digits from the deal's resource name and the exception's id within the deal.
pub fn review_id(deal: &str, exception: &str) -> String {
    digest("review", deal, exception)
}

fn digest(what: &str, deal: &str, within: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [what, deal, within] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
