use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use throughline_servers::{Postgres, PostgresOptions, Redis, RedisOptions};

use crate::{ourselves_as, scratch, sql};

const DIR: &str = "THROUGHLINE_TEST_PARENT_DIR";

/// Not a test of its own: the process that the other tests start in order to kill it.
#[tokio::test]
async fn parent() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let postgres = Postgres::start(&PostgresOptions::new(dir.join("postgres"))).await.unwrap();
    let redis = Redis::start(&RedisOptions::new(dir.join("redis"))).await.unwrap();
    sql(&postgres.url("postgres"), "create table if not exists kept as select 42 as answer");
    println!("started {} {}", postgres.pid(), redis.pid());
    std::future::pending::<()>().await;
}

struct Parent {
    process: Child,
    postgres: u32,
    redis: u32,
}

impl Parent {
    fn start(dir: &Path) -> Self {
        let mut process =
            ourselves_as("crash::parent").env(DIR, dir).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            // libtest may have printed the name of the test on the same line
            if let Some((_, pids)) = line.unwrap().split_once("started ") {
                let mut pids = pids.split(' ').map(|pid| pid.parse().unwrap());
                return Self { process, postgres: pids.next().unwrap(), redis: pids.next().unwrap() };
            }
        }
        panic!("the parent ended before its servers were up: {:?}", process.wait());
    }

    fn kill9(mut self) -> (u32, u32) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.postgres, self.redis)
    }
}

fn runs(pid: u32) -> bool {
    // a zombie has ended, though nobody may have reaped it where pid 1 does not
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn wait_for_end(pid: u32) {
    let begun = Instant::now();
    while runs(pid) {
        assert!(begun.elapsed() < Duration::from_secs(20), "process {pid} still runs");
        std::thread::yield_now();
    }
}

async fn start_again(dir: &Path) {
    let mut postgres = Postgres::start(&PostgresOptions::new(dir.join("postgres"))).await.unwrap();
    let mut redis = Redis::start(&RedisOptions::new(dir.join("redis"))).await.unwrap();
    assert_eq!(sql(&postgres.url("postgres"), "select answer from kept"), "42");
    postgres.stop().await;
    redis.stop().await;
}

#[tokio::test]
async fn servers_die_with_a_killed_parent() {
    let dir = scratch();
    let (postgres, redis) = Parent::start(dir.path()).kill9();
    wait_for_end(postgres);
    wait_for_end(redis);
    start_again(dir.path()).await;
}

#[tokio::test]
async fn the_next_start_does_not_wait_for_the_dead_to_be_gone() {
    let dir = scratch();
    for _ in 0..2 {
        Parent::start(dir.path()).kill9();
        start_again(dir.path()).await;
    }
}

#[tokio::test]
async fn leftovers_that_got_no_death_signal_are_stopped() {
    let dir = scratch();
    start_again_after_first_use(dir.path()).await;
    let (postgres, redis) = (orphan_postgres(dir.path()), orphan_redis(dir.path()));
    start_again(dir.path()).await;
    assert!(!runs(postgres));
    assert!(!runs(redis));
}

async fn start_again_after_first_use(dir: &Path) {
    let (postgres, redis) = Parent::start(dir).kill9();
    wait_for_end(postgres);
    wait_for_end(redis);
    start_again(dir).await;
}

/// Runs a shell line as the owner of the server's data, in its data directory, and returns the pid it prints.
fn as_owner(data: &Path, line: &str) -> u32 {
    use std::os::unix::fs::MetadataExt;
    let owner = fs::metadata(data).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(data);
    if nix::unistd::geteuid().is_root() {
        shell.uid(owner.uid()).gid(owner.gid());
    }
    let output = shell.stderr(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn orphan_postgres(dir: &Path) -> u32 {
    let data = dir.join("postgres/data");
    let bin = throughline_servers::PostgresInstall::find().unwrap().bin;
    let line = format!(
        "{0}/pg_ctl -w -D . -l ../run/orphan.log -o '-c listen_addresses= -k ../run' start >/dev/null && head -1 postmaster.pid",
        bin.display()
    );
    let pid = as_owner(&data, &line.replace("../run", dir.join("postgres/run").to_str().unwrap()));
    assert!(runs(pid));
    pid
}

fn orphan_redis(dir: &Path) -> u32 {
    let data = dir.join("redis/data");
    let line = "redis-server --port 0 --unixsocket ../run/redis.sock --save '' >/dev/null 2>&1 </dev/null & echo $!";
    as_owner(&data, line)
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_stops_nobody_and_blocks_nothing() {
    let dir = scratch();
    start_again_after_first_use(dir.path()).await;
    // a living process that runs as the server's user, so that Postgres alone would take it for a predecessor
    let data = dir.path().join("postgres/data");
    let stranger = as_owner(&data, "cd / ; sleep 60 >/dev/null 2>&1 </dev/null & echo $!");
    fs::write(data.join("postmaster.pid"), format!("{stranger}\n{}\n1\n5432\n\n\n\nready\n", data.display())).unwrap();
    fs::write(dir.path().join("postgres/run/.s.PGSQL.5432.lock"), format!("{stranger}\n")).unwrap();
    start_again(dir.path()).await;
    assert!(runs(stranger), "a stranger was killed");
    let stranger = nix::unistd::Pid::from_raw(stranger.cast_signed());
    nix::sys::signal::kill(stranger, nix::sys::signal::Signal::SIGKILL).unwrap();
}
