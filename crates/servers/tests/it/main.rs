//! Real servers, started and killed for real.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod crash;
mod postgres;
mod privilege;
mod redis;

use std::path::{Path, PathBuf};
use std::process::Command;

use throughline_servers::PostgresOptions;

/// A directory that another user can come to, gone at the end of the test.
fn scratch() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::Builder::new().prefix("tl-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn quick(dir: &Path) -> PostgresOptions {
    PostgresOptions { durable: false, ..PostgresOptions::new(dir) }
}

/// Runs one statement with the installed psql and returns what it prints.
fn sql(url: &str, statement: &str) -> String {
    let psql = psql();
    let output =
        Command::new(psql).args(["-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement, url]).output().unwrap();
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn psql() -> PathBuf {
    throughline_servers::PostgresInstall::find().unwrap().bin.join("psql")
}

/// This test binary again, to play the part of `test` alone.
fn ourselves_as(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}
