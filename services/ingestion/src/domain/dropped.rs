//! Names of data fields that were dropped, so that a vendor sees what it need not send. Never their values.

/// Names told at most.
const MOST_NAMES: usize = 20;

/// What was dropped of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    names: Vec<String>,
    count: u32,
}

impl Dropped {
    /// Notes a field. A name can carry data too, so only a name of a known shape is told.
    pub(crate) fn note(&mut self, within: &str, name: &str) {
        self.count = self.count.saturating_add(1);
        if self.names.len() == MOST_NAMES {
            return;
        }
        let told = if is_name(name) { name } else { "other" };
        let told = if within.is_empty() { told.to_owned() } else { format!("{within}.{told}") };
        if !self.names.contains(&told) {
            self.names.push(told);
        }
    }

    /// How many fields were dropped.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Their names, at most twenty, each once.
    pub(crate) fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// `[A-Za-z_][A-Za-z0-9_.]{0,39}` with few digits.
fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        && name.bytes().filter(u8::is_ascii_digit).count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once_and_only_in_a_known_shape() {
        let mut dropped = Dropped::default();
        for name in ["firstName", "firstName", "Jane Doe", "5550123", "x2125550123", "jane@example.invalid", ""] {
            dropped.note("", name);
        }
        dropped.note("keys", "license");
        assert_eq!(dropped.count(), 8);
        assert_eq!(dropped.into_names(), ["firstName", "other", "keys.license"]);
    }

    #[test]
    fn no_more_than_twenty_are_told() {
        let mut dropped = Dropped::default();
        for n in 0..1_000 {
            dropped.note("", &format!("f{n}"));
        }
        assert_eq!(dropped.count(), 1_000);
        assert_eq!(dropped.into_names().len(), 20);
    }
}
