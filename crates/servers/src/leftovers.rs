use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Error;

/// How to recognise and end the processes of one kind of server.
pub(crate) struct Kind {
    pub(crate) server: &'static str,
    /// The kernel's name of the process, which a server's title changes don't touch.
    pub(crate) comm: &'static str,
    /// Asks the leader to finish its work and go.
    pub(crate) polite: Signal,
    /// Tells every process to go at once.
    pub(crate) firm: Signal,
}

const POLITE: Duration = Duration::from_secs(60);
const FIRM: Duration = Duration::from_secs(10);
const KILLED: Duration = Duration::from_secs(10);

/// Processes of that name whose working directory is `dir`: both servers stand in their data directory. A pid file
/// alone proves nothing, since the pid may have been given to another process long ago.
pub(crate) fn living_in(dir: &Path, kind: &Kind) -> BTreeSet<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return BTreeSet::new() };
    let lives_here = |pid: &Pid| {
        let process = Path::new("/proc").join(pid.to_string());
        fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == dir)
            && fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim_end() == kind.comm)
    };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    pids.filter(lives_here).collect()
}

/// Stops what an earlier owner of `dir` left running.
///
/// They are stopped, not adopted: a death signal can only be set by the process itself, so a server taken over from
/// a dead parent would outlive us too. The caller holds the lock on `dir`, so no living owner is robbed.
pub(crate) async fn stop(dir: &Path, kind: &Kind, leader: Option<Pid>) -> Result<(), Error> {
    let left = living_in(dir, kind);
    if left.is_empty() {
        return Ok(());
    }
    tracing::info!(server = kind.server, dir = %dir.display(), count = left.len(), "stopping what an earlier process left");
    if let Some(leader) = leader.filter(|pid| left.contains(pid)) {
        signal(&BTreeSet::from([leader]), kind.polite);
        if all_gone(dir, kind, POLITE).await {
            return Ok(());
        }
    }
    for (how, limit) in [(kind.firm, FIRM), (Signal::SIGKILL, KILLED)] {
        signal(&living_in(dir, kind), how);
        if all_gone(dir, kind, limit).await {
            return Ok(());
        }
    }
    let pids = living_in(dir, kind).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::Undying { server: kind.server, dir: dir.to_owned(), pids })
}

/// Sends `how` to each; one that has just ended is no error.
pub(crate) fn signal(pids: &BTreeSet<Pid>, how: Signal) {
    for pid in pids {
        if let Err(error) = kill(*pid, how) {
            tracing::debug!(pid = pid.as_raw(), signal = %how, %error, "can't signal a leftover");
        }
    }
}

async fn all_gone(dir: &Path, kind: &Kind, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    let mut tick = interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < deadline {
        tick.tick().await;
        if living_in(dir, kind).is_empty() {
            return true;
        }
    }
    false
}
