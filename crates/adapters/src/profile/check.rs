//! What is wrong with a profile, all at once and without a word that may be somebody's.
use jiff::tz::TimeZone;

use super::{Format, MOST_COLUMNS, MOST_RULES, Profile};

/// What was found wrong so far.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn check(&mut self, sound: bool, problem: impl Into<String>) {
        if !sound {
            self.0.push(problem.into());
        }
    }
}

/// Everything that is wrong with a profile.
pub(super) fn problems(profile: &Profile) -> Vec<String> {
    let mut problems = Problems::default();
    problems.shape(profile);
    if profile.format == Format::Canonical {
        problems.canonical(profile);
    } else {
        problems.columns(profile);
        problems.rules(profile);
        problems.zones(profile);
        problems.clocks(profile);
    }
    problems.0
}

impl Problems {
    fn shape(&mut self, profile: &Profile) {
        let name = !profile.profile.is_empty()
            && profile.profile.len() <= 40
            && profile.profile.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        self.check(name, "profile: 1 to 40 characters of [a-z0-9-]");
        self.check(profile.version > 0, "version: from 1");
        let named =
            |path: &Option<String>| path.as_ref().is_none_or(|path| path.split('/').all(|name| !name.is_empty()));
        self.check(profile.array.is_none() || profile.format == Format::Json, "array: of format json alone");
        self.check(named(&profile.array), "array: names joined by /, such as data/deals");
        let element = profile.element.is_some() == (profile.format == Format::Xml);
        self.check(element, "element: of format xml, and there it must be said");
        self.check(named(&profile.element), "element: a name, such as deal");
    }

    fn canonical(&mut self, profile: &Profile) {
        let empty =
            profile.source.is_empty() && profile.zone.is_empty() && profile.row.is_empty() && profile.events.is_empty();
        let none = profile.rooftop.is_none() && profile.subject.is_none() && profile.keys.is_empty();
        let untimed = profile.observed.is_none() && profile.polled.is_none();
        self.check(empty && none && untimed, "format canonical: says all of it, leave the other fields out");
    }

    fn columns(&mut self, profile: &Profile) {
        self.check(!profile.row.is_empty(), "row: at least one column that tells rows apart");
        self.check(!profile.events.is_empty(), "events: at least one");
        self.check(profile.events.len() <= MOST_RULES, "events: at most 64");
        self.check(profile.columns().len() <= MOST_COLUMNS, "at most 64 columns");
        self.check(
            profile.source.starts_with("//") || profile.source.contains(':'),
            "source: a URI reference, such as //crm.example/{rooftop}",
        );
    }

    fn rules(&mut self, profile: &Profile) {
        for (index, rule) in profile.events.iter().enumerate() {
            let timed = rule.time.is_some() != rule.flag.is_some();
            self.check(timed, format!("events[{index}]: either time or flag"));
            let worded = rule.worded().is_none_or(|(before, column, behind)| {
                !column.is_empty() && !before.contains('}') && !behind.contains(['{', '}'])
            }) && (rule.worded().is_some() || !rule.event_type.contains(['{', '}']));
            self.check(worded, format!("events[{index}].type: at most one {{COLUMN}} in it"));
            let polled = rule.flag.is_none() || profile.polled.is_some();
            self.check(polled, format!("events[{index}].flag: needs polled, which bounds its time"));
            let said = [&rule.actor, &rule.role, &rule.trade].into_iter().flatten().chain(rule.data.values());
            let one_of = said.into_iter().all(|said| said.is.is_some() != said.from.is_some());
            self.check(one_of, format!("events[{index}]: a value is given by either `is` or `from`"));
        }
    }

    fn zones(&mut self, profile: &Profile) {
        let of_clocks = profile.clocks().into_iter();
        let zones = of_clocks.filter_map(|(place, clock)| Some((format!("{place}.zone"), clock.zone.clone()?)));
        for (place, zone) in zones.chain([("zone".to_owned(), profile.zone.clone())]) {
            let known = zone == "rooftop" || TimeZone::get(&zone).is_ok();
            self.check(known, format!("{place}: {zone:?} is neither `rooftop` nor a zone of the IANA database"));
        }
    }

    fn clocks(&mut self, profile: &Profile) {
        let epoch = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC).datetime();
        for (place, clock) in profile.clocks() {
            self.check(!clock.columns.is_empty(), format!("{place}.columns: at least one"));
            let format = &clock.format;
            let nested = clock.not_before.as_ref().is_some_and(|bound| bound.not_before.is_some());
            self.check(!nested, format!("{place}.not_before: one is enough"));
            let sound = format == "rfc3339" || jiff::fmt::strtime::format(format, epoch).is_ok();
            self.check(sound, format!("{place}.format: {format:?} is neither rfc3339 nor a format of strftime"));
        }
    }
}

/// What a reader of YAML says, without what it quotes: somebody may have sent a file of customers by mistake. Names of fields
/// may stand, as profiles have them.
pub(super) fn plain(said: &str) -> String {
    let said = said.lines().next().unwrap_or_default();
    let mut plain = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((before, mark)) = rest.char_indices().find(|(_, char)| matches!(char, '`' | '"' | '\'')) {
        let after = &rest[before + mark.len_utf8()..];
        // A quoted text may hold the mark that ends it: up to the last one.
        let end = if mark == '`' { after.find(mark) } else { after.rfind(mark) };
        let (quoted, left) = end.map_or((after, ""), |end| (&after[..end], &after[end + mark.len_utf8()..]));
        let field = quoted.len() <= 20 && quoted.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        plain.push_str(&rest[..before]);
        plain.push_str(if field { quoted } else { "…" });
        rest = left;
    }
    plain + rest
}
