use std::io;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Error;
use crate::log::ServerLog;

/// A process that we started, with a thread that does nothing but wait for it.
///
/// The kernel sends a death signal when the *thread* that spawned the child ends, so the child gets one that lives
/// exactly as long as it does, whatever becomes of the runtime's threads.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// Held while signalling and while reaping: a reaped pid may already be somebody else's.
    reaped: Arc<Mutex<bool>>,
    exited: watch::Receiver<Option<ExitStatus>>,
    on_drop: Signal,
}

impl Child {
    /// `on_drop` is sent when the handle goes away before the process has ended.
    pub(crate) async fn spawn(name: &'static str, command: Command, on_drop: Signal) -> io::Result<Self> {
        let (started, start) = oneshot::channel();
        let (exit, exited) = watch::channel(None);
        let reaped = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&reaped);
        thread::Builder::new().name(format!("{name}-keeper")).spawn(move || keep(command, started, &flag, &exit))?;
        let pid = start.await.map_err(|_| io::Error::other("the thread that starts it ended"))??;
        Ok(Self { pid, reaped, exited, on_drop })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal; a process that has ended already is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped && let Err(error) = kill(self.pid, signal) {
            tracing::warn!(pid = self.pid.as_raw(), %signal, %error, "can't signal a server");
        }
    }

    pub(crate) fn has_exited(&self) -> bool {
        self.exited.borrow().is_some()
    }

    /// Waits for the end of the process.
    pub(crate) async fn exited(&self) -> Option<ExitStatus> {
        let mut exited = self.exited.clone();
        exited.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// True if the process has ended within `limit`.
    pub(crate) async fn exits_within(&self, limit: Duration) -> bool {
        timeout(limit, self.exited()).await.is_ok()
    }

    /// Asks `ready` every few milliseconds until it says yes; the error shows what the server had to say if it ends
    /// before, or is not ready `within` that time.
    pub(crate) async fn becomes_ready<Answer: Future<Output = bool>>(
        &self,
        server: &'static str,
        within: Duration,
        log: &ServerLog,
        ready: impl Fn() -> Answer,
    ) -> Result<(), Error> {
        let poll = async {
            let mut tick = interval(Duration::from_millis(5));
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                if ready().await {
                    return;
                }
            }
        };
        let what = tokio::select! {
            asked = timeout(within, poll) => match asked {
                Ok(()) => return Ok(()),
                Err(_) => format!("was not ready within {} s", within.as_secs()),
            },
            status = self.exited() => match status {
                Some(status) => format!("ended while starting ({status})"),
                None => "ended while starting".to_owned(),
            },
        };
        Err(log.failure(server, what))
    }

    /// Sends each signal in turn and gives it its time, until the process has ended.
    pub(crate) async fn end(&self, name: &'static str, steps: &[(Signal, Duration)]) {
        for (step, (signal, limit)) in steps.iter().enumerate() {
            if step > 0 {
                tracing::warn!(server = name, pid = self.pid.as_raw(), %signal, "server is slow to stop, insisting");
            }
            self.signal(*signal);
            if self.exits_within(*limit).await {
                return;
            }
        }
        tracing::warn!(server = name, pid = self.pid.as_raw(), "server did not stop");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.has_exited() {
            self.signal(self.on_drop);
        }
    }
}

fn keep(
    mut command: Command,
    started: oneshot::Sender<io::Result<Pid>>,
    reaped: &Mutex<bool>,
    exit: &watch::Sender<Option<ExitStatus>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let pid = Pid::from_raw(child.id().cast_signed());
    if started.send(Ok(pid)).is_err() {
        // whoever asked was cancelled and will never own a handle
        let _ = child.kill();
    }
    // sees the end without reaping it, so that the pid stays taken until the lock is held
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
    let mut reaped = reaped.lock().unwrap_or_else(PoisonError::into_inner);
    let status = child.wait();
    *reaped = true;
    drop(reaped);
    if let Ok(status) = status {
        exit.send_replace(Some(status));
    }
}
