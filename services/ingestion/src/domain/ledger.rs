//! Which of the events that share a commit are new, known, or known by another content.

use std::collections::HashMap;

use uuid::Uuid;

/// An event by its identity and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) part: u16,
    pub(crate) key: Uuid,
    pub(crate) content: Uuid,
}

/// What is decided about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// New: goes into the log.
    New,
    /// Accepted before with the same content.
    Known,
    /// The id was used for another content.
    Reused,
    /// Another process claims the id just now; ask again.
    Unsettled,
}

/// The first claim of each key, in the order of (part, key): the order in which every process locks them.
pub(crate) fn first_claims(claims: &[Claim]) -> Vec<Claim> {
    let mut first: Vec<(usize, Claim)> = claims.iter().copied().enumerate().collect();
    first.sort_unstable_by_key(|(at, claim)| (claim.part, claim.key, *at));
    first.dedup_by_key(|(_, claim)| (claim.part, claim.key));
    first.into_iter().map(|(_, claim)| claim).collect()
}

/// Decides each claim, in order. `stored` holds, for the keys that were there already, the content they stand for; a first
/// claim that is not `stored` was `inserted`.
pub(crate) fn decide(
    claims: &[Claim],
    first: &[Claim],
    inserted: impl Fn(&Claim) -> bool,
    stored: impl Fn(&Claim) -> Option<Uuid>,
) -> Vec<Verdict> {
    enum Entry {
        Fresh(Uuid),
        Stands(Uuid),
        Unsettled,
    }
    let mut ledger: HashMap<(u16, Uuid), Entry> = first
        .iter()
        .map(|claim| {
            let entry = if inserted(claim) {
                Entry::Fresh(claim.content)
            } else {
                stored(claim).map_or(Entry::Unsettled, Entry::Stands)
            };
            ((claim.part, claim.key), entry)
        })
        .collect();
    claims
        .iter()
        .map(|claim| match ledger.get_mut(&(claim.part, claim.key)) {
            Some(entry) => match *entry {
                Entry::Fresh(content) => {
                    *entry = Entry::Stands(content);
                    Verdict::New
                }
                Entry::Stands(content) if content == claim.content => Verdict::Known,
                Entry::Stands(_) => Verdict::Reused,
                Entry::Unsettled => Verdict::Unsettled,
            },
            None => Verdict::Unsettled,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(key: u128, content: u128) -> Claim {
        Claim { part: 1, key: Uuid::from_u128(key), content: Uuid::from_u128(content) }
    }

    #[test]
    fn within_a_batch_the_first_wins_and_the_stored_one_wins_over_all() {
        let claims = [claim(1, 10), claim(2, 20), claim(1, 10), claim(1, 11), claim(2, 21), claim(3, 30)];
        let first = first_claims(&claims);
        let verdicts = decide(
            &claims,
            &first,
            |claim| claim.key == Uuid::from_u128(1),
            |claim| (claim.key == Uuid::from_u128(2)).then_some(Uuid::from_u128(21)),
        );
        use Verdict::*;
        assert_eq!(verdicts, [New, Reused, Known, Reused, Known, Unsettled]);
    }

    proptest::proptest! {
        #[test]
        fn each_key_is_new_at_most_once_and_the_rest_is_settled_by_its_content(
            sent in proptest::collection::vec((0..6_u128, 0..3_u128), 0..40),
            stored in proptest::collection::hash_map(0..6_u128, 0..3_u128, 0..6),
        ) {
            let claims: Vec<Claim> = sent.iter().map(|(key, content)| claim(*key, *content)).collect();
            let first = first_claims(&claims);
            proptest::prop_assert!(first.windows(2).all(|pair| pair[0].key < pair[1].key));
            let find = |claim: &Claim| stored.get(&claim.key.as_u128()).map(|content| Uuid::from_u128(*content));
            let verdicts = decide(&claims, &first, |claim| find(claim).is_none(), find);
            let mut standing = stored.clone();
            for (claim, verdict) in claims.iter().zip(verdicts) {
                let (key, content) = (claim.key.as_u128(), claim.content.as_u128());
                let expected = match standing.get(&key) {
                    None => Verdict::New,
                    Some(stands) if *stands == content => Verdict::Known,
                    Some(_) => Verdict::Reused,
                };
                standing.entry(key).or_insert(content);
                proptest::prop_assert_eq!(verdict, expected);
            }
        }
    }
}
