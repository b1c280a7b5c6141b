use std::io;
use std::path::{Path, PathBuf};

/// Why a private server could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not installed: {}", .0.join("; "))]
    NotInstalled(Vec<String>),

    #[error(
        "{dir} was made by PostgreSQL {wanted}, and only {found} is installed: install postgresql-{wanted}, \
         or choose another directory"
    )]
    OtherVersion { dir: PathBuf, wanted: u32, found: String },

    #[error("postgres refuses to run as root and none of these users exists to run it instead: {0}")]
    NoUnprivilegedUser(String),

    #[error(
        "user {user} can't enter {ancestor}, on the way to {path}: choose a place that others may pass through, \
         or allow it with `chmod o+x {ancestor}`"
    )]
    Blocked { user: String, ancestor: PathBuf, path: PathBuf },

    #[error("{dir} is in use by another process (pid {pid}): stop that one, or choose another directory")]
    InUse { dir: PathBuf, pid: String },

    #[error(
        "{path} belongs to {owner}, not to {wanted}: run as the user who made it, remove it, or choose another \
         directory"
    )]
    WrongOwner { path: PathBuf, owner: String, wanted: String },

    #[error("can't {doing} {path}: {source}")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("{server} {what}; the end of {log}:\n{tail}")]
    Failed { server: &'static str, what: String, log: PathBuf, tail: String },

    #[error("processes {pids} of an earlier {server} in {dir} don't end, not even when killed")]
    Undying { server: &'static str, dir: PathBuf, pids: String },
}

/// Names the deed and the path of an I/O error, which `io::Error` does not.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing, path: path.to_owned(), source })
    }
}
