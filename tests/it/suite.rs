//! A suite as a user starts it, and the commands as a user types them.
use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use throughline_proto::tenant::v1::{CreateRooftopRequest, Rooftop, directory_service_client::DirectoryServiceClient};
use throughline_testkit::Scratch;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long a suite may take to be ready, also on a busy machine.
const READY: Duration = Duration::from_secs(120);
/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(300);

/// The folder where the build put the binaries: this test's own is `target/PROFILE/deps`.
pub fn binaries() -> PathBuf {
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder
}

/// A binary of the workspace. `make test` builds them all first.
pub fn binary(name: &str) -> PathBuf {
    let path = binaries().join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --workspace` first (`make test` does)", path.display());
    path
}

/// What a command printed.
#[derive(Debug)]
pub struct Printed {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Printed {
    /// Every line of stdout as JSON.
    pub fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// The last line of stdout as JSON, of a command that succeeded.
    pub fn line(&self) -> Value {
        assert!(self.status.success(), "{self:?}");
        self.json().pop().expect("the command printed nothing")
    }
}

/// A running suite.
pub struct Suite {
    child: Child,
    pub data: PathBuf,
    pub grpc: String,
    pub http: String,
}

impl Suite {
    /// Starts `throughline up` on a folder and free ports.
    pub async fn start(data: &Path, flags: &[&str]) -> Self {
        Self::start_logging(data, flags, "warn").await
    }

    /// The same with another filter of its log.
    pub async fn start_logging(data: &Path, flags: &[&str], log: &str) -> Self {
        let mut child = Command::new(binary("throughline"))
            .args(["up", "--data"])
            .arg(data)
            .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(flags)
            .env("THROUGHLINE_LOG", log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::OpenOptions::new().create(true).append(true).open(data.join("suite.log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = timeout(READY, lines.next_line()).await;
        let ready = match ready {
            Ok(Ok(Some(line))) => line,
            other => panic!("the suite is not ready: {other:?}\n{}", log_of(data)),
        };
        let address = |name: &str| {
            ready
                .split(' ')
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_else(|| panic!("no {name} in {ready:?}"))
                .to_owned()
        };
        Self { grpc: address("grpc"), http: address("http"), data: data.to_owned(), child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("the suite has ended")
    }

    pub fn key_file(&self) -> PathBuf {
        self.data.join("admin.key")
    }

    /// The administrator's key.
    pub fn key(&self) -> String {
        std::fs::read_to_string(self.key_file()).unwrap().trim().to_owned()
    }

    /// The private Postgres, as its superuser.
    pub fn postgres_url(&self) -> String {
        std::fs::read_to_string(self.data.join("postgres.url")).unwrap().trim().to_owned()
    }

    /// A channel to the gRPC port.
    pub async fn channel(&self) -> tonic::transport::Channel {
        tonic::transport::Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap().connect().await.unwrap()
    }

    /// A request with the administrator's key.
    pub fn keyed<T>(&self, message: T) -> tonic::Request<T> {
        keyed(&self.key(), message)
    }

    /// Posts CloudEvents JSON (an array) as a webhook would.
    pub async fn post_events(&self, events: &Value, traceparent: Option<&str>) -> Value {
        let mut request = http()
            .post(format!("http://{}/v1/events", self.http))
            .bearer_auth(self.key())
            .header("content-type", "application/cloudevents-batch+json")
            .body(events.to_string());
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Runs a command against this suite.
    pub async fn run(&self, arguments: &[&str]) -> Printed {
        finish(self.spawn(arguments)).await
    }

    /// Starts a command against this suite.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(binary("throughline"))
            .args(arguments)
            .env("THROUGHLINE_SERVER", &self.grpc)
            .env("THROUGHLINE_KEY_FILE", self.key_file())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// The hash over all deals, once everything accepted is contained.
    pub async fn state_hash(&self) -> String {
        let printed = self.run(&["state-hash", "--format", "json", "--timeout", "120s"]).await;
        printed.line()["state_hash"].as_str().unwrap().to_owned()
    }

    /// The sum over the samples of a metric that have all of these labels, such as `outcome="accepted"`.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        metric(&self.http, name, labels).await
    }

    /// SIGKILL, and waits for the end of the process.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for a suite that ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        timeout(Duration::from_secs(60), self.child.wait()).await.expect("the suite does not end").unwrap()
    }

    /// SIGTERM, and waits for the end of the process.
    pub async fn stop(mut self) -> ExitStatus {
        signal(self.pid(), nix::sys::signal::Signal::SIGTERM);
        timeout(Duration::from_secs(60), self.child.wait()).await.expect("the suite does not stop").unwrap()
    }

    /// Everything that the suite wrote to its log.
    pub fn log(&self) -> String {
        log_of(&self.data)
    }
}

fn log_of(data: &Path) -> String {
    std::fs::read_to_string(data.join("suite.log")).unwrap_or_default()
}

/// Waits for a command and takes what it printed.
pub async fn finish(mut child: Child) -> Printed {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let all = async {
        let (read_out, read_err, status) =
            tokio::join!(out.read_to_string(&mut stdout), err.read_to_string(&mut stderr), child.wait());
        read_out.unwrap();
        read_err.unwrap();
        status.unwrap()
    };
    let status = timeout(COMMAND, all).await.expect("the command does not end");
    Printed { status, stdout, stderr }
}

/// Asks over HTTP, as a browser or a scraper would.
pub fn http() -> reqwest::Client {
    // The client wants a TLS provider even where it speaks none; a second test finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// The same of any process, by its HTTP address; 0 where there is no such sample, or nobody answers.
pub async fn metric(address: &str, name: &str, labels: &[&str]) -> f64 {
    let Ok(answer) = http().get(format!("http://{address}/metrics")).send().await else { return 0.0 };
    let text = answer.text().await.unwrap_or_default();
    text.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        // An exemplar may follow behind `#`.
        .filter_map(|line| line.split(" # ").next()?.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Adds a rooftop of the group `main` in zone UTC, as an import adds it.
pub async fn add_rooftop(channel: tonic::transport::Channel, key: &str, rooftop: &str) -> Rooftop {
    let request = CreateRooftopRequest {
        parent: "groups/main".to_owned(),
        rooftop_id: rooftop.to_owned(),
        rooftop: Some(Rooftop { zone: "UTC".to_owned(), display_name: rooftop.to_owned(), ..Rooftop::default() }),
        request_id: uuid::Uuid::new_v4().to_string(),
        actor: String::new(),
    };
    DirectoryServiceClient::new(channel).create_rooftop(keyed(key, request)).await.unwrap().into_inner()
}

/// Sends a signal to a process that a test started.
pub fn signal(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// A request with a key.
pub fn keyed<T>(key: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

/// A suite in a scratch folder that goes when both are dropped.
pub async fn scratch_suite(flags: &[&str]) -> (Scratch, Suite) {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), flags).await;
    (scratch, suite)
}
