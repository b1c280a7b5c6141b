//! What many requests have in common.

use jiff::Timestamp;
use throughline_platform::{
    Failure, Principal,
    seal::{Sealer, args_hash, page_size},
};
use throughline_proto::event::v1::Origin;
use uuid::Uuid;

use crate::{domain::grammar::STAFF, intake::Manner};

/// On whose behalf a portal's key acts: a staff id, or nobody.
pub(super) fn actor(actor: String) -> Result<String, Failure> {
    if actor.is_empty() || STAFF.admits(&actor) {
        return Ok(actor);
    }
    Err(Failure::invalid("actor", format!("is not {}", STAFF.shape)))
}

/// How events come in.
pub(super) fn manner(origin: i32, actor_id: String) -> Result<Manner, Failure> {
    let origin = match Origin::try_from(origin) {
        Ok(Origin::Unspecified) => Origin::Live,
        Ok(origin) => origin,
        Err(_) => return Err(Failure::invalid("origin", format!("{origin} is no origin"))),
    };
    Ok(Manner { origin, actor: actor(actor_id)?, from_file: false })
}

/// The pages of one list for one caller and one choice of arguments.
pub(super) struct Pages<'a> {
    sealer: &'a Sealer,
    purpose: &'static str,
    principal: &'a Principal,
    args: [u8; 32],
    size: usize,
}

impl<'a> Pages<'a> {
    pub(super) fn new(
        sealer: &'a Sealer,
        purpose: &'static str,
        principal: &'a Principal,
        args: &[&str],
        requested: i32,
        default: u32,
    ) -> Result<Self, Failure> {
        let size = page_size(requested, default, 500)? as usize;
        Ok(Self { sealer, purpose, principal, args: args_hash(args), size })
    }

    /// Rows to ask for: one more than is shown says whether there is another page.
    pub(super) fn limit(&self) -> i64 {
        self.size as i64 + 1
    }

    /// The place behind which the page begins; none for the first page.
    pub(super) fn open(&self, token: &str) -> Result<Option<Place>, Failure> {
        let opened = self.sealer.open_page(self.purpose, self.principal, &self.args, token)?;
        opened.map(|bytes| Place::parse(&bytes)).transpose()
    }

    /// Cuts a list to its page and gives the token of the next, empty on the last one.
    pub(super) fn cut<T>(&self, rows: &mut Vec<T>, place: impl Fn(&T) -> Place) -> String {
        if rows.len() <= self.size {
            return String::new();
        }
        rows.truncate(self.size);
        let Some(last) = rows.last() else { return String::new() };
        self.sealer.page_token(self.purpose, self.principal, &self.args, &place(last).render())
    }
}

/// Where a page ends: the texts of a key, of which none holds a line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(Vec<String>);

impl Place {
    pub(super) fn new(texts: impl IntoIterator<Item = String>) -> Self {
        Self(texts.into_iter().collect())
    }

    pub(super) fn at(instant: Timestamp, id: &str) -> Self {
        Self::new([instant.as_microsecond().to_string(), id.to_owned()])
    }

    pub(super) fn text(&self, nth: usize) -> &str {
        self.0.get(nth).map_or("", String::as_str)
    }

    /// The place as an instant and an id.
    pub(super) fn instant(&self) -> Result<(Timestamp, &str), Failure> {
        let at = self.text(0).parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        Ok((at.ok_or_else(|| Failure::internal("a page token of ours holds no instant"))?, self.text(1)))
    }

    fn render(&self) -> Vec<u8> {
        self.0.join("\n").into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(bytes).map_err(Failure::internal)?;
        Ok(Self::new(text.split('\n').map(str::to_owned)))
    }
}

/// The id of a quarantined event in a name.
pub(super) fn quarantined_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}
