use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DATA, SERVER, SUPERUSER};
use crate::Error;
use crate::account::Account;
use crate::child::Child;
use crate::error::Doing;
use crate::find::PostgresInstall;
use crate::folder::Folder;
use crate::log::ServerLog;

/// Makes the data directory unless there is one.
///
/// initdb works in a directory beside it that is renamed when all is done, so that a death half-way leaves nothing
/// that looks like data.
pub(super) async fn ensure(
    folder: &Folder,
    account: &Account,
    install: &PostgresInstall,
    durable: bool,
    log: &mut ServerLog,
) -> Result<PathBuf, Error> {
    let data = folder.path().join(DATA);
    if data.join("PG_VERSION").exists() {
        return Ok(data);
    }
    let draft = folder.path().join("data.new");
    if draft.exists() {
        fs::remove_dir_all(&draft).doing("remove", &draft)?;
    }
    let draft = folder.private("data.new", account)?;
    let mut initdb = account.command(install.program("initdb"), Signal::SIGKILL);
    initdb.arg("-D").arg(&draft).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"]);
    initdb.arg("--no-instructions");
    if !durable {
        initdb.arg("--no-sync");
    }
    log.receive(&mut initdb)?;
    let running = Child::spawn("initdb", initdb, Signal::SIGKILL).await.doing("run setpriv to make", &data)?;
    let ended = running.exited().await;
    if !ended.is_some_and(|status| status.success()) {
        let how = ended.map_or_else(|| "without a trace".to_owned(), |status| status.to_string());
        return Err(log.failure("initdb", format!("ended with {how} while making {}", data.display())));
    }
    fs::rename(&draft, &data).doing("rename to its final name", &draft)?;
    if durable {
        File::open(folder.path()).and_then(|dir| dir.sync_all()).doing("sync", folder.path())?;
    }
    tracing::info!(server = SERVER, data = %data.display(), version = install.major, "made a new database directory");
    Ok(data)
}

/// What `postmaster.pid` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: Pid,
    pub(super) ready: bool,
}

impl PidFile {
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// The pid is on line 1; line 8 reads `ready` once connections are welcome.
    fn parse(text: &str) -> Option<Self> {
        let pid = text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let ready = text.lines().nth(7).is_some_and(|status| status.trim() == "ready");
        Some(Self { pid: Pid::from_raw(pid), ready })
    }
}

/// Removes lock files that name a living process, once it is known that no server lives here: Postgres would take
/// whoever has that pid now for its predecessor and refuse to start.
pub(super) fn clear_stale_locks(data: &Path, socket: &Path) -> Result<(), Error> {
    let mut socket_lock = socket.as_os_str().to_owned();
    socket_lock.push(".lock");
    for path in [data.join("postmaster.pid"), PathBuf::from(socket_lock)] {
        let named = fs::read_to_string(&path).ok().and_then(|text| PidFile::parse(&text));
        if let Some(file) = named.filter(|file| kill(file.pid, None).is_ok()) {
            tracing::info!(path = %path.display(), pid = file.pid.as_raw(), "removing a lock file that names a stranger");
            fs::remove_file(&path).doing("remove", &path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_line_eight_says_so() {
        let file = |status: &str| format!("4711\n/data\n1795499864\n5432\n/run\n\n 10027085 9\n{status}");
        let parse = |text: &str| PidFile::parse(text).map(|file| (file.pid.as_raw(), file.ready));
        assert_eq!(parse(&file("ready   \n")), Some((4711, true)));
        assert_eq!(parse(&file("starting\n")), Some((4711, false)));
        assert_eq!(parse("4711\n/data\n"), Some((4711, false)));
        assert_eq!(parse(""), None);
        assert_eq!(parse("-1\n"), None);
    }
}
