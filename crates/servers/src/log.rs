use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;
use crate::error::Doing;

/// A log larger than this is set aside at the next start; one older log is kept.
const SET_ASIDE: u64 = 8 << 20;
/// How much of a log an error shows, in bytes.
const TAIL: u64 = 3000;

/// The file that a server's output goes to.
#[derive(Debug)]
pub(crate) struct ServerLog {
    path: PathBuf,
    /// Where the present life of the server begins in the file.
    from: u64,
}

impl ServerLog {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join("server.log"), from: 0 }
    }

    /// Sends the output of `command` here.
    pub(crate) fn receive(&mut self, command: &mut Command) -> Result<(), Error> {
        let path = &self.path;
        if fs::metadata(path).is_ok_and(|log| log.len() > SET_ASIDE) {
            fs::rename(path, path.with_extension("log.1")).doing("set aside", path)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).doing("open", path)?;
        self.from = file.metadata().doing("look at", path)?.len();
        let copy = file.try_clone().doing("open", path)?;
        command.stdout(Stdio::from(copy)).stderr(Stdio::from(file));
        Ok(())
    }

    pub(crate) fn failure(&self, server: &'static str, what: String) -> Error {
        let tail = tail(&self.path, self.from).unwrap_or_else(|error| format!("(can't be read: {error})"));
        Error::Failed { server, what, log: self.path.clone(), tail }
    }
}

fn tail(path: &Path, from: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL)).min(length)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_present_life_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        fs::write(&path, "old trouble\nnew trouble\n").unwrap();
        assert_eq!(tail(&path, 12).unwrap(), "new trouble");
        fs::write(&path, "x".repeat(10_000)).unwrap();
        assert_eq!(tail(&path, 0).unwrap().len(), 3000);
    }
}
