//! Where files go that were read. Nothing that stands there is ever written over.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Write as _},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use super::{content::is_unchanged, watch::Found};

/// Bytes of a name that are kept, so that a number and an ending find room behind them.
const LONGEST_NAME: usize = 200;
/// Files of one name that are kept side by side.
const MOST_NUMBERS: u32 = 10_000;

/// Moves a file to those that are done; false if it does not stand there any more.
pub(super) fn to_done(root: &Path, found: &Found) -> io::Result<bool> {
    let folder = folder(root, ".done", found)?;
    let (_, to) = reserve(&folder, &found.name, None)?;
    move_to(found, &to)
}

/// Moves a file to those that failed, with the reason beside it; false if it does not stand there any more.
pub(super) fn to_failed(root: &Path, found: &Found, why: &str) -> io::Result<bool> {
    let folder = folder(root, ".failed", found)?;
    let (name, to) = reserve(&folder, &found.name, Some(".reason"))?;
    let reason = folder.join(joined(&name, ".reason"));
    let mut hidden = OsString::from(".");
    hidden.push(joined(&name, ".reason.tmp"));
    let hidden = folder.join(hidden);
    // Before the file itself: none ever stands there without its reason.
    let written = write(&hidden, why).and_then(|()| fs::rename(&hidden, &reason)).and_then(|()| move_to(found, &to));
    if !matches!(written, Ok(true)) {
        for left in [&hidden, &reason, &to] {
            let _ = fs::remove_file(left);
        }
    }
    written
}

fn folder(root: &Path, kind: &str, found: &Found) -> io::Result<PathBuf> {
    let folder = found.folders.iter().fold(root.join(kind), |path, name| path.join(name));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A name that is free, and taken by an empty file from here on; so is that of its companion.
fn reserve(folder: &Path, name: &OsStr, companion: Option<&str>) -> io::Result<(OsString, PathBuf)> {
    let name = OsString::from_vec(name.as_bytes().iter().copied().take(LONGEST_NAME).collect());
    for number in 0..MOST_NUMBERS {
        let name = if number == 0 { name.clone() } else { joined(&name, &format!(".{number}")) };
        let path = folder.join(&name);
        if !create(&path)? {
            continue;
        }
        match companion.map(|ending| create(&folder.join(joined(&name, ending)))).transpose()? {
            None | Some(true) => return Ok((name, path)),
            Some(false) => fs::remove_file(&path)?,
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files of one name"))
}

fn create(path: &Path) -> io::Result<bool> {
    match File::create_new(path) {
        Ok(_) => Ok(true),
        Err(there) if there.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn move_to(found: &Found, to: &Path) -> io::Result<bool> {
    // What was not read is never moved away.
    let moved = if is_unchanged(found) { fs::rename(&found.path, to) } else { Err(io::ErrorKind::NotFound.into()) };
    match moved {
        Ok(()) => Ok(true),
        Err(error) => {
            let _ = fs::remove_file(to);
            if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) }
        }
    }
}

fn joined(name: &OsStr, ending: &str) -> OsString {
    let mut joined = name.to_owned();
    joined.push(ending);
    joined
}
