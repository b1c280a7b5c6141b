//! Which files are complete: not hidden, not under a temporary name, and the same at two looks.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, DirEntry, Metadata},
    io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

/// Entries of folders that one look goes through; what is behind them comes up as those are moved away.
const MOST_ENTRIES: usize = 10_000;
/// Looks for which a file rests at most that could not be taken.
const LONGEST_REST: u32 = 32;

/// What tells that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    pub(super) fn of(file: &Metadata) -> Self {
        Self { file: (file.dev(), file.ino()), size: file.size(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

/// A file where dropped files are looked for.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Group, rooftop, profile.
    pub(super) folders: [OsString; 3],
    pub(super) name: OsString,
    pub(super) stamp: Stamp,
}

/// What a look goes through.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) found: Vec<Found>,
    pub(super) unreadable: usize,
}

/// What the looks before have seen.
#[derive(Debug, Default)]
pub(super) struct Watch(HashMap<PathBuf, Seen>);

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// Looks for which it still rests, and for how many it did.
    rest: u32,
    rested: u32,
}

impl Watch {
    /// Of what a look has found, that which may be taken, the oldest first. All else is forgotten that is not there any more.
    pub(super) fn complete(&mut self, found: Vec<Found>) -> Vec<Found> {
        let mut before = std::mem::take(&mut self.0);
        let mut complete = Vec::new();
        for found in found {
            let seen = before.remove(&found.path).filter(|seen| seen.stamp == found.stamp);
            let now = match seen {
                None => Seen { stamp: found.stamp, rest: 0, rested: 0 },
                Some(seen) if seen.rest > 0 => Seen { rest: seen.rest - 1, ..seen },
                Some(seen) => {
                    complete.push(found.clone());
                    seen
                }
            };
            self.0.insert(found.path, now);
        }
        // A polled table is to be read in the order of its polls.
        complete.sort_by(|one, other| (one.stamp.modified, &one.path).cmp(&(other.stamp.modified, &other.path)));
        complete
    }

    /// A file that could not be taken is not tried at every look.
    pub(super) fn rest(&mut self, found: &Found) {
        if let Some(seen) = self.0.get_mut(&found.path) {
            seen.rested = (seen.rested * 2).clamp(1, LONGEST_REST);
            seen.rest = seen.rested;
        }
    }
}

/// Goes through the folders of groups, rooftops and profiles.
///
/// # Errors
/// If the folder itself cannot be read.
pub(super) fn walk(root: &Path) -> io::Result<Walked> {
    let mut walk = Walk { left: MOST_ENTRIES, walked: Walked::default() };
    for group in walk.entries(fs::read_dir(root)?) {
        for rooftop in walk.within(&group) {
            for profile in walk.within(&rooftop) {
                for file in walk.within(&profile) {
                    walk.file(&file, [group.file_name(), rooftop.file_name(), profile.file_name()]);
                }
            }
        }
    }
    Ok(walk.walked)
}

struct Walk {
    left: usize,
    walked: Walked,
}

impl Walk {
    fn entries(&mut self, folder: fs::ReadDir) -> Vec<DirEntry> {
        let entries: Vec<DirEntry> = folder.take(self.left).filter_map(Result::ok).collect();
        self.left -= entries.len();
        entries
    }

    /// What stands in an entry that is a folder; links are not followed.
    fn within(&mut self, entry: &DirEntry) -> Vec<DirEntry> {
        if is_hidden(entry) || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            return Vec::new();
        }
        match fs::read_dir(entry.path()) {
            Ok(folder) => self.entries(folder),
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(_) => {
                self.walked.unreadable += 1;
                Vec::new()
            }
        }
    }

    fn file(&mut self, entry: &DirEntry, folders: [OsString; 3]) {
        let name = entry.file_name();
        if is_hidden(entry) || name.as_bytes().ends_with(b".tmp") || name.as_bytes().ends_with(b".part") {
            return;
        }
        // That of a link says nothing of where it leads: only files count.
        let Ok(metadata) = entry.metadata() else { return };
        if metadata.is_file() {
            self.walked.found.push(Found { path: entry.path(), folders, name, stamp: Stamp::of(&metadata) });
        }
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, size: u64, modified: i64) -> Found {
        Found {
            path: name.into(),
            folders: Default::default(),
            name: name.into(),
            stamp: Stamp { file: (1, 1), size, modified: (modified, 0) },
        }
    }

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|found| found.name.to_str().unwrap()).collect()
    }

    #[test]
    fn a_file_that_grows_is_left_until_two_looks_find_it_the_same() {
        let mut watch = Watch::default();
        for size in 1..5 {
            assert!(watch.complete(vec![found("a", size, 7)]).is_empty());
        }
        assert!(watch.complete(vec![found("a", 4, 8)]).is_empty(), "written to, and as long as before");
        assert_eq!(names(&watch.complete(vec![found("a", 4, 8)])), ["a"]);
        // Gone, and there again.
        assert!(watch.complete(Vec::new()).is_empty());
        assert!(watch.complete(vec![found("a", 4, 8)]).is_empty());
    }

    #[test]
    fn the_oldest_comes_first() {
        let mut watch = Watch::default();
        let all = || vec![found("c", 1, 1), found("a", 1, 3), found("b", 1, 2)];
        watch.complete(all());
        assert_eq!(names(&watch.complete(all())), ["c", "b", "a"]);
    }

    #[test]
    fn what_cannot_be_taken_is_tried_again_at_longer_and_longer_intervals() {
        let mut watch = Watch::default();
        let mut tried = Vec::new();
        for look in 0..150 {
            for found in watch.complete(vec![found("a", 1, 1)]) {
                tried.push(look);
                watch.rest(&found);
            }
        }
        assert_eq!(tried, [1, 3, 6, 11, 20, 37, 70, 103, 136]);
    }
}
