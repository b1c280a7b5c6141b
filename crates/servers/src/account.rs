use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use crate::Error;
use crate::error::Doing;

/// The user that a server runs as: ourselves, or somebody without privileges when we are root.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    gid: Gid,
}

impl Account {
    pub(crate) fn ourselves() -> Self {
        let (uid, gid) = (geteuid(), getegid());
        Self { name: name_of(uid), uid, gid }
    }

    /// Ourselves unless we are root; then the owner of `data` if there is any, so that a directory keeps its user
    /// from one start to the next, else the first of `candidates` that exists.
    pub(crate) fn choose(data_owner: Option<Uid>, candidates: &[&str]) -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self::ourselves());
        }
        let owner = data_owner.filter(|uid| !uid.is_root()).and_then(|uid| User::from_uid(uid).ok().flatten());
        let known = candidates.iter().filter_map(|name| User::from_name(name).ok().flatten());
        let user = owner.into_iter().chain(known).find(|user| !user.uid.is_root());
        user.map(|user| Self { name: user.name, uid: user.uid, gid: user.gid })
            .ok_or_else(|| Error::NoUnprivilegedUser(candidates.join(", ")))
    }

    pub(crate) fn gid(&self) -> Gid {
        self.gid
    }

    fn is_another(&self) -> bool {
        self.uid != geteuid()
    }

    /// A command that runs as this user and gets `death` when the thread that spawned it ends.
    ///
    /// setpriv sets the death signal after the change of user, which would clear it, and then becomes the program:
    /// the pid stays. It belongs to util-linux, which no Debian lacks, and spares us `unsafe` between fork and exec.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, death: Signal) -> Command {
        let mut command = Command::new("setpriv");
        // PG* variables would steer initdb and postgres, secrets in the environment are none of their business
        command.env_clear().env("PATH", search_path()).env("LC_ALL", "C");
        if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if self.is_another() {
            command.args(["--reuid", &self.uid.to_string(), "--regid", &self.gid.to_string(), "--clear-groups"]);
        }
        command.args(["--pdeathsig", death.as_str(), "--"]).arg(program);
        // initdb and postgres complain when they can't return to where they were started
        command.current_dir("/").stdin(Stdio::null());
        // Ctrl-C in a terminal goes to the whole group: the server must outlast those who are still using it
        command.process_group(0);
        command
    }

    /// Checks that this user can come to `path`, by asking the kernel as that user: modes alone would not know of
    /// access lists or of exports that squash root.
    pub(crate) fn check_reach(&self, path: &Path) -> Result<(), Error> {
        if !self.is_another() || self.can_enter(path)? {
            return Ok(());
        }
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors {
            if !self.can_enter(ancestor)? {
                return Err(Error::Blocked {
                    user: self.name.clone(),
                    ancestor: ancestor.to_owned(),
                    path: path.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn can_enter(&self, path: &Path) -> Result<bool, Error> {
        let mut ask = self.command("test", Signal::SIGKILL);
        ask.arg("-x").arg(path).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(ask.status().doing("run setpriv (package util-linux) to look at", path)?.success())
    }
}

pub(crate) fn name_of(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    }
}

fn search_path() -> OsString {
    let ours = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/bin"].map(PathBuf::from);
    env::join_paths(env::split_paths(&ours).chain(usual)).unwrap_or_else(|_| "/usr/bin:/bin".into())
}
