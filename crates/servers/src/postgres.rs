mod data;
mod settings;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::Error;
use crate::account::Account;
use crate::address::encode;
use crate::child::Child;
use crate::error::Doing;
use crate::find::PostgresInstall;
use crate::folder::Folder;
use crate::leftovers::{self, Kind};
use crate::log::ServerLog;
use data::PidFile;

/// The database superuser of a private server. Roles for services are made by their migrations.
pub const SUPERUSER: &str = "throughline";

const SERVER: &str = "postgres";
const DATA: &str = "data";
/// Names the socket file only (`.s.PGSQL.5432`): no TCP port is opened, so it can't meet a server on that port.
const PORT: u16 = 5432;
const SOCKET: &str = ".s.PGSQL.5432";
/// Long enough to replay a full `max_wal_size` after a crash; a server that fails ends, and is not waited for.
const READY_WITHIN: Duration = Duration::from_secs(180);
const KIND: Kind = Kind { server: SERVER, comm: "postgres", polite: Signal::SIGINT, firm: Signal::SIGQUIT };

/// How to run a private Postgres.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The directory that the server owns: data, sockets, log, lock. Made if need be.
    pub dir: PathBuf,
    /// False gives up fsync for speed: after a crash of the machine the data is lost. For tests.
    pub durable: bool,
    pub max_connections: u32,
    /// Further settings by their names in `postgresql.conf`; they win over ours.
    pub extra: Vec<(String, String)>,
}

impl PostgresOptions {
    /// Durable, with 200 connections.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), durable: true, max_connections: 200, extra: Vec::new() }
    }
}

/// A private Postgres that lives no longer than this process. Dropping it asks the server for a fast shutdown
/// without waiting for its end; [`Postgres::stop`] waits.
#[derive(Debug)]
pub struct Postgres {
    options: PostgresOptions,
    folder: Folder,
    account: Account,
    install: PostgresInstall,
    data: PathBuf,
    sockets: PathBuf,
    log: ServerLog,
    child: Child,
}

impl Postgres {
    /// Starts a server on `options.dir`, made by initdb if it is new. What an earlier process left running there is
    /// stopped first. Returns when connections are welcome.
    pub async fn start(options: &PostgresOptions) -> Result<Self, Error> {
        let options = options.clone();
        let folder = Folder::claim_soon(&options.dir).await?;
        let owner = folder.owner_of(DATA);
        let account = Account::choose(owner, &["postgres", "nobody"])?;
        account.check_reach(folder.path())?;
        if owner.is_some() {
            folder.private(DATA, &account)?;
        }
        let install = PostgresInstall::find_for(&folder.path().join(DATA))?;
        account.check_reach(&install.program("postgres"))?;
        let sockets = folder.sockets(SOCKET, &account)?;
        let mut log = ServerLog::in_folder(folder.path());
        let data = data::ensure(&folder, &account, &install, options.durable, &mut log).await?;
        let child = launch(&options, &account, &install, &data, &sockets, &mut log).await?;
        Ok(Self { options, folder, account, install, data, sockets, log, child })
    }

    /// A URL of `database` for the superuser, through the Unix socket; sqlx and libpq both read it.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    /// The same for another role of this server; none needs a password.
    pub fn url_as(&self, role: &str, database: &str) -> String {
        let (role, database) = (encode(Path::new(role)), encode(Path::new(database)));
        format!("postgres://{role}@localhost:{PORT}/{database}?host={}&sslmode=disable", encode(&self.sockets))
    }

    /// The folder of the socket, the `host` of a connection.
    pub fn socket_dir(&self) -> &Path {
        &self.sockets
    }

    /// The number in the socket's name, the `port` of a connection.
    pub fn port(&self) -> u16 {
        PORT
    }

    /// The directory that the server owns.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The postmaster's pid.
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

    /// Fast shutdown: sessions are cut, everything committed is written, nothing is left to recover. After a minute
    /// it insists. A stopped server may be started again with [`Postgres::restart`].
    pub async fn stop(&mut self) {
        let steps = [
            (Signal::SIGINT, Duration::from_secs(60)),
            (Signal::SIGQUIT, Duration::from_secs(10)),
            (Signal::SIGKILL, Duration::from_secs(10)),
        ];
        self.child.end(SERVER, &steps).await;
        self.folder.leave(&self.sockets);
    }

    /// Stops the server if it runs, and starts it again on the same data and socket.
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

    /// Kills the postmaster and all of its processes at once, as a power cut would, and does not wait.
    pub fn kill9(&self) {
        self.child.signal(Signal::SIGKILL);
        leftovers::signal(&leftovers::living_in(&self.data, &KIND), Signal::SIGKILL);
    }
}

async fn launch(
    options: &PostgresOptions,
    account: &Account,
    install: &PostgresInstall,
    data: &Path,
    sockets: &Path,
    log: &mut ServerLog,
) -> Result<Child, Error> {
    let begun = Instant::now();
    leftovers::stop(data, &KIND, PidFile::read(data).map(|file| file.pid)).await?;
    data::clear_stale_locks(data, &sockets.join(SOCKET))?;

    let mut postgres = account.command(install.program("postgres"), Signal::SIGINT);
    postgres.arg("-D").arg(data).args(["-p", &PORT.to_string()]);
    for (name, value) in settings::settings(options, sockets) {
        postgres.arg("-c").arg(format!("{name}={value}"));
    }
    log.receive(&mut postgres)?;
    let child = Child::spawn(SERVER, postgres, Signal::SIGINT).await.doing("run setpriv to start postgres on", data)?;
    let ready = || std::future::ready(PidFile::read(data).is_some_and(|file| file.ready && file.pid == child.pid()));
    child.becomes_ready(SERVER, READY_WITHIN, log, ready).await?;
    let pid = child.pid().as_raw();
    tracing::info!(server = SERVER, pid, user = account.name, data = %data.display(), took = ?begun.elapsed(), "ready");
    Ok(child)
}
