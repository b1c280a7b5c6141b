use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Longer ones would leave no room for the name of a socket inside.
const LONGEST_ROOT: usize = 40;

/// A temporary directory that servers may live in, even as another user.
///
/// A shell of its own cleans up when this value, or this process, is gone: a static is never dropped and a killed
/// process drops nothing, but the pipe to the shell closes either way.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _open_while_alive: Option<ChildStdin>,
    reaper: Child,
}

/// Servers stand in `DIR/NAME/data`. Quick deaths will do: nobody will read the data again.
const REAP: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
signal() {
    for process in /proc/[0-9]*; do
        for data in "$1"/*/data; do
            [ "$process/cwd" -ef "$data" ] && kill -s "$2" "${process#/proc/}" && left=yes
        done
    done
}
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    left=
    signal "$1" QUIT
    [ -z "$left" ] && break
    sleep 0.1
done
signal "$1" KILL
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
"#;

impl Scratch {
    /// Makes a new directory.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("tl-").tempdir_in(root()).expect("make a temporary directory");
        let path = dir.keep().canonicalize().expect("a new directory has a path");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).expect("set the mode of a temporary directory");
        let mut shell = Command::new("sh");
        shell.args(["-c", REAP, "reaper"]).arg(&path).current_dir("/");
        // it keeps neither our output open, nor does it get the terminal's signals
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut reaper = shell.spawn().expect("start a shell");
        Self { path, _open_while_alive: reaper.stdin.take(), reaper }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pid of the shell that cleans up.
    pub fn reaper(&self) -> u32 {
        self.reaper.id()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// The system's temporary directory, or `/tmp` where that is too long for a socket or closed to others.
fn root() -> PathBuf {
    let usual = std::env::temp_dir();
    let open = usual.ancestors().all(|dir| fs::metadata(dir).is_ok_and(|dir| dir.mode() & 0o001 != 0));
    if open && usual.as_os_str().len() <= LONGEST_ROOT { usual } else { "/tmp".into() }
}
