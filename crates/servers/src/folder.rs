use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, geteuid};

use crate::Error;
use crate::account::{Account, name_of};
use crate::error::Doing;

/// A socket's address holds this many bytes of path on Linux.
const LONGEST_SOCKET_PATH: usize = 107;

/// Makes `dir` and the parents it lacks so that others may pass through them (mode 0711) but not look around: a
/// server that runs as another user must come to its folder. Directories that exist are left as they are.
pub fn create_passable(dir: &Path) -> Result<(), Error> {
    let missing: Vec<_> = dir.ancestors().take_while(|a| !a.as_os_str().is_empty() && !a.exists()).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            // the umask may have taken more than it should
            Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o711)).doing("set the mode of", folder)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).doing("create", folder),
        }
    }
    Ok(())
}

/// How often a folder that is in use is asked for again, and how many times: a second in all.
const ASK_EVERY: Duration = Duration::from_millis(25);
const ASK_AGAIN: u32 = 40;

/// The directory that one server owns, held by a lock for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the directory if need be and takes its lock.
    pub(crate) fn claim(dir: &Path) -> Result<Self, Error> {
        create_passable(dir)?;
        let owner = Uid::from_raw(fs::metadata(dir).doing("look at", dir)?.uid());
        if !geteuid().is_root() && owner != geteuid() {
            let (owner, wanted) = (name_of(owner), name_of(geteuid()));
            return Err(Error::WrongOwner { path: dir.to_owned(), owner, wanted });
        }
        // as root, the server is somebody else who has to pass; otherwise nobody else has any business here
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        fs::set_permissions(dir, Permissions::from_mode(mode)).doing("set the mode of", dir)?;
        let path = dir.canonicalize().doing("resolve", dir)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The same, given a moment: a child that another thread is starting just now holds every open file of ours, a lock that
    /// was let go of included, until it becomes the program that it is to run.
    pub(crate) async fn claim_soon(dir: &Path) -> Result<Self, Error> {
        for _ in 0..ASK_AGAIN {
            match Self::claim(dir) {
                Err(Error::InUse { .. }) => tokio::time::sleep(ASK_EVERY).await,
                decided => return decided,
            }
        }
        Self::claim(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who owns the entry `name`, if it exists.
    pub(crate) fn owner_of(&self, name: &str) -> Option<Uid> {
        fs::symlink_metadata(self.path.join(name)).ok().map(|entry| Uid::from_raw(entry.uid()))
    }

    /// A subdirectory that belongs to `account` alone (mode 0700).
    pub(crate) fn private(&self, name: &str, account: &Account) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        make_private(&path, account)?;
        Ok(path)
    }

    /// A directory for a socket called `socket`: in this folder if the path is short and plain enough to be an
    /// address, else under the system's temporary directory, by a name that stays the same from start to start.
    pub(crate) fn sockets(&self, socket: &str, account: &Account) -> Result<PathBuf, Error> {
        let here = self.path.join("run");
        if fits(&here, socket) {
            return self.private("run", account);
        }
        let mut hash = DefaultHasher::new();
        self.path.hash(&mut hash);
        let name = format!("tl-{}-{:016x}", geteuid(), hash.finish());
        let temporary = std::env::temp_dir().join(&name);
        let path = if fits(&temporary, socket) { temporary } else { Path::new("/tmp").join(name) };
        make_private(&path, account)?;
        account.check_reach(&path)?;
        Ok(path)
    }

    /// Removes the directory of the sockets if it lies elsewhere, once the server has gone.
    pub(crate) fn leave(&self, sockets: &Path) {
        if !sockets.starts_with(&self.path) {
            // best effort: what stays is an empty folder that the next start would use again
            let _ = fs::remove_dir(sockets);
        }
    }
}

/// Postgres reads its socket directories as a list, so that commas, quotes and spaces would need an art of quoting.
fn fits(dir: &Path, socket: &str) -> bool {
    let bytes = dir.as_os_str().as_bytes();
    bytes.len() + 1 + socket.len() <= LONGEST_SOCKET_PATH
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(b))
}

fn make_private(path: &Path, account: &Account) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error).doing("create", path),
        Err(_) => {
            // never followed if it is a link, and never changed if it is not ours: in a shared temporary directory
            // anybody may have put it there
            let entry = fs::symlink_metadata(path).doing("look at", path)?;
            let owner = Uid::from_raw(entry.uid());
            if entry.is_dir() && owner == account.uid {
                return Ok(());
            }
            if !entry.is_dir() || owner != geteuid() {
                let (owner, wanted) = (name_of(owner), account.name.clone());
                return Err(Error::WrongOwner { path: path.to_owned(), owner, wanted });
            }
        }
        Ok(()) => {}
    }
    lchown(path, Some(account.uid.as_raw()), Some(account.gid().as_raw())).doing("change the owner of", path)
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    let mut file = options.open(&path).doing("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let pid = if known { pid.trim().to_owned() } else { "unknown".to_owned() };
            return Err(Error::InUse { dir: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(error).doing("lock", &path),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).doing("write", &path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner_at_a_time_and_the_next_one_learns_who() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::claim(dir.path()).unwrap();
        let error = Folder::claim(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
        drop(first);
        Folder::claim(dir.path()).unwrap();
    }

    #[test]
    fn a_long_or_odd_directory_gets_its_sockets_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let ourselves = Account::ourselves();
        for name in ["x".repeat(120), "a, b".into()] {
            let folder = Folder::claim(&dir.path().join(name)).unwrap();
            let sockets = folder.sockets(".s.PGSQL.5432", &ourselves).unwrap();
            assert!(fits(&sockets, ".s.PGSQL.5432"));
            assert!(!sockets.starts_with(dir.path()));
            assert_eq!(folder.sockets(".s.PGSQL.5432", &ourselves).unwrap(), sockets);
            fs::remove_dir(sockets).unwrap();
        }
    }

    #[test]
    fn new_parents_let_others_pass_and_old_ones_keep_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        create_passable(&dir.path().join("a/b")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("a")), 0o711);
        assert_eq!(mode(&dir.path().join("a/b")), 0o711);
        assert_eq!(mode(dir.path()), 0o700);
    }
}
