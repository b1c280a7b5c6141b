//! Files to be imported: found in folders, unpacked while they are read, never held whole.
use std::{
    fs::File,
    io::{self, BufRead},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Files of one import.
const MOST_FILES: usize = 100_000;
const DEEPEST: usize = 32;

/// Opens a file; gzip is told by its first two bytes.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    throughline_adapters::unpack(File::open(path)?)
}

/// The files at these paths, those of folders by name; hidden ones and links in folders are left out.
pub fn at(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        walk(path, 0, &mut found)?;
    }
    Ok(found)
}

fn walk(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if !path.metadata().map_err(told)?.is_dir() {
        if found.len() == MOST_FILES {
            return Err(io::Error::other(format!("more than {MOST_FILES} files: import them folder by folder")));
        }
        found.push(path.to_owned());
        return Ok(());
    }
    if depth == DEEPEST {
        return Err(io::Error::other(format!("{}: folders lie more than {DEEPEST} deep", path.display())));
    }
    let mut inside = Vec::new();
    for entry in path.read_dir().map_err(told)? {
        let entry = entry.map_err(told)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && !entry.file_type().map_err(told)?.is_symlink() {
            inside.push(entry.path());
        }
    }
    inside.sort_unstable();
    inside.iter().try_for_each(|path| walk(path, depth + 1, found))
}

/// How a file looked, to tell whether somebody went on writing it.
#[derive(Debug, PartialEq, Eq)]
pub struct Look(u64, Option<SystemTime>);

/// How a file looks now.
pub fn look(path: &Path) -> io::Result<Look> {
    let metadata = path.metadata()?;
    Ok(Look(metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_by_name_without_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2", "b/1", "a", ".c", "b/.d"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let found = at(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a", "b/1", "b/2"]);
        assert!(at(&[folder.path().join("gone")]).unwrap_err().to_string().contains("gone"));
    }
}
