use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::Instant;

use crate::Error;
use crate::account::Account;
use crate::address::encode;
use crate::child::Child;
use crate::error::Doing;
use crate::find::RedisInstall;
use crate::folder::Folder;
use crate::leftovers::{self, Kind};
use crate::log::ServerLog;

const SERVER: &str = "redis";
const DATA: &str = "data";
const SOCKET: &str = "redis.sock";
/// It has nothing to load; a machine that is busy may still let it wait for its turn.
const READY_WITHIN: Duration = Duration::from_secs(30);
const KIND: Kind = Kind { server: SERVER, comm: "redis-server", polite: Signal::SIGTERM, firm: Signal::SIGKILL };

/// How to run a private Redis.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// The directory that the server owns: sockets, log, lock. Made if need be.
    pub dir: PathBuf,
    /// When full, the keys used longest ago go first: all that it holds can be made again.
    pub max_memory_mib: u32,
}

impl RedisOptions {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), max_memory_mib: 256 }
    }
}

/// A private Redis that keeps nothing on disk and lives no longer than this process.
#[derive(Debug)]
pub struct Redis {
    options: RedisOptions,
    folder: Folder,
    account: Account,
    install: RedisInstall,
    data: PathBuf,
    sockets: PathBuf,
    log: ServerLog,
    child: Child,
}

impl Redis {
    /// Starts a server in `options.dir`. What an earlier process left running there is stopped first. Returns when
    /// it answers.
    pub async fn start(options: &RedisOptions) -> Result<Self, Error> {
        let options = options.clone();
        let install = RedisInstall::find()?;
        let folder = Folder::claim_soon(&options.dir).await?;
        let account = Account::choose(folder.owner_of(DATA), &["redis", "nobody"])?;
        account.check_reach(folder.path())?;
        account.check_reach(&install.server)?;
        let data = folder.private(DATA, &account)?;
        let sockets = folder.sockets(SOCKET, &account)?;
        let mut log = ServerLog::in_folder(folder.path());
        let child = launch(&options, &account, &install, &data, &sockets, &mut log).await?;
        Ok(Self { options, folder, account, install, data, sockets, log, child })
    }

    /// The URL of database 0, through the Unix socket.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", encode(&self.socket()))
    }

    pub fn socket(&self) -> PathBuf {
        self.sockets.join(SOCKET)
    }

    pub fn pid(&self) -> u32 {
        self.child.pid().as_raw().unsigned_abs()
    }

    pub fn is_running(&self) -> bool {
        !self.child.has_exited()
    }

    /// Waits until the server has ended, by whatever cause.
    pub async fn exited(&self) -> Option<ExitStatus> {
        self.child.exited().await
    }

    /// Stops it; all that it held is gone. It may be started again with [`Redis::restart`].
    pub async fn stop(&mut self) {
        let steps = [(Signal::SIGTERM, Duration::from_secs(10)), (Signal::SIGKILL, Duration::from_secs(10))];
        self.child.end(SERVER, &steps).await;
        self.folder.leave(&self.sockets);
    }

    /// Stops the server if it runs, and starts an empty one on the same socket.
    pub async fn restart(&mut self) -> Result<(), Error> {
        if self.is_running() {
            self.stop().await;
        }
        // the folder may have gone with the stop
        self.sockets = self.folder.sockets(SOCKET, &self.account)?;
        let Self { options, account, install, data, sockets, log, .. } = self;
        self.child = launch(options, account, install, data, sockets, log).await?;
        Ok(())
    }

    /// Kills it and does not wait.
    pub fn kill9(&self) {
        self.child.signal(Signal::SIGKILL);
    }
}

async fn launch(
    options: &RedisOptions,
    account: &Account,
    install: &RedisInstall,
    data: &Path,
    sockets: &Path,
    log: &mut ServerLog,
) -> Result<Child, Error> {
    let begun = Instant::now();
    leftovers::stop(data, &KIND, None).await?;

    let socket = sockets.join(SOCKET);
    let mut redis = account.command(&install.server, Signal::SIGTERM);
    redis.args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"]).arg(&socket);
    // nothing on disk: it may vanish at any moment, and old wake-ups would be worth nothing
    redis.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    redis.arg("--maxmemory").arg(format!("{}mb", options.max_memory_mib));
    redis.args(["--maxmemory-policy", "allkeys-lru"]);
    // stands in its own directory, by which a leftover is known
    redis.current_dir(data);
    log.receive(&mut redis)?;
    let child = Child::spawn(SERVER, redis, Signal::SIGTERM).await.doing("run setpriv to start redis in", data)?;
    let ready = || async { answers(&socket).await.unwrap_or(false) };
    child.becomes_ready(SERVER, READY_WITHIN, log, ready).await?;
    let pid = child.pid().as_raw();
    tracing::info!(server = SERVER, pid, user = account.name, socket = %socket.display(), took = ?begun.elapsed(), "ready");
    Ok(child)
}

async fn answers(socket: &Path) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG\r\n")
}
