//! Files made to do harm, or merely spoilt: a clear answer each, little memory, and everything else goes on.
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::suite::{Suite, binary, scratch_suite};

/// What a process may take, bytes: less than the longest line below.
const MOST_MEMORY: u64 = 200 << 20;
const LONG_LINE: usize = 256;
const HEADER: &str = "Store,Employee,Role,On\n";

/// Writes the files; each with what stderr must say of it.
fn files(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let path = |name: &str| folder.join(name);
    let write = |name: &str, text: &[u8]| std::fs::write(path(name), text).unwrap();
    let row = |employee: &str| format!("RT1,{employee},lot,09/07/2026 09:00:00 AM\n");

    let mut long = std::io::BufWriter::new(std::fs::File::create(path("1-long.csv")).unwrap());
    write!(long, "{HEADER}{}RT1,\"", row("E1")).unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    (0..LONG_LINE).for_each(|_| long.write_all(&megabyte).unwrap());
    write!(long, "\",lot,t\n{}", row("E2")).unwrap();
    long.flush().unwrap();

    write("2-wide.csv", "column,".repeat(10_000).as_bytes());

    let mut bomb = GzEncoder::new(std::fs::File::create(path("3-bomb.csv.gz")).unwrap(), Compression::best());
    bomb.write_all(HEADER.as_bytes()).unwrap();
    let blank = vec![b'\n'; 1 << 20];
    (0..200).for_each(|_| bomb.write_all(&blank).unwrap());
    bomb.finish().unwrap();

    let mut cut = GzEncoder::new(Vec::new(), Compression::best());
    write!(cut, "{HEADER}{}", (0..2_000).map(|number| row(&format!("C{number}"))).collect::<String>()).unwrap();
    let cut = cut.finish().unwrap();
    write("4-cut.csv.gz", &cut[..cut.len() / 2]);

    write("5-future.csv", format!("{HEADER}RT1,E3,lot,09/07/2056 09:00:00 AM\n{}", row("E4")).as_bytes());
    write("6-other.csv", b"Name,Telephone\nx,y\n");
    write("7-sound.csv", format!("{HEADER}{}", row("E5")).as_bytes());
    vec![
        (path("1-long.csv"), "row 2: the value of Employee is longer than 256 bytes"),
        (path("2-wide.csv"), "its header has more than 4096 columns"),
        (path("3-bomb.csv.gz"), "it unpacks to more than 300 times its size"),
        (path("4-cut.csv.gz"), "it ends in the middle: copy it again, then import it once more"),
        (path("5-future.csv"), "quarantined: time lies more than 15 minutes ahead of our clock"),
        (path("6-other.csv"), "is it a file of profile staff-shifts?"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn harmful_files_are_told_and_cost_little() {
    let (scratch, suite) = scratch_suite(&[]).await;
    suite.run(&["rooftop", "add", "RT1", "--zone", "America/New_York"]).await;
    let folder = scratch.path().join("files");
    std::fs::create_dir_all(&folder).unwrap();
    let expected = files(&folder);

    let (summary, stderr, memory) = measured(&suite, &folder).await;
    for (path, told) in &expected {
        assert!(stderr.lines().any(|line| line.contains(told)), "{}: {told:?} is not in {stderr}", path.display());
    }
    assert!(memory < MOST_MEMORY, "the import took {memory} bytes");
    assert_eq!((&summary["files"], &summary["files_failed"]), (&json!(7), &json!(4)), "{summary}");
    // E1, E2, E4, E5, and those of the file that is cut, as far as it goes.
    assert!(summary["accepted"].as_u64().unwrap() > 4, "{summary}");
    assert_eq!((&summary["quarantined"], &summary["duplicate"]), (&json!(1), &json!(0)), "{summary}");
    let outcomes: u64 =
        ["accepted", "duplicate", "quarantined"].map(|name| summary[name].as_u64().unwrap()).iter().sum();
    assert_eq!(summary["events"], outcomes, "{summary}");
    let suites = peak(suite.pid()).expect("it runs");
    assert!(suites < MOST_MEMORY, "the suite took {suites} bytes");

    let profile = scratch.path().join("wrong.yaml");
    let shown = suite.run(&["profile", "show", "staff-shifts"]).await.stdout;
    std::fs::write(&profile, shown.replace("zone: rooftop", "zone: America/Gotham")).unwrap();
    let sample = folder.join("7-sound.csv");
    let refused = suite.run(&["profile", "check", profile.to_str().unwrap(), sample.to_str().unwrap()]).await;
    assert!(!refused.status.success() && refused.stderr.contains("America/Gotham"), "{refused:?}");
    assert!(suite.stop().await.success());
}

/// A command that imports shifts of `RT1`.
fn import(suite: &Suite, path: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(binary("throughline"));
    command
        .args(["import", "--profile", "staff-shifts", "--rooftop", "RT1"])
        .arg(path)
        .env("THROUGHLINE_SERVER", &suite.grpc)
        .env("THROUGHLINE_KEY_FILE", suite.key_file())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A file that whoever reads it waits for: it is written while it is read.
fn slow_file(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_read_fails_and_an_interrupt_cancels() {
    let (scratch, suite) = scratch_suite(&[]).await;
    suite.run(&["rooftop", "add", "RT1", "--zone", "America/New_York"]).await;
    let path = scratch.path().join("shifts.csv");
    let text = format!("{HEADER}RT1,E1,lot,09/07/2026 09:00:00 AM\nRT1,E2,lot,09/07");

    slow_file(&path);
    let child = import(&suite, &path).spawn().unwrap();
    // Opens once it is read.
    tokio::fs::write(&path, &text).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && stderr.contains("shifts.csv: it was changed while it was read"), "{stderr}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["files_failed"], &summary["accepted"]), (&json!(1), &json!(1)), "{summary}");

    let mut child = import(&suite, &path).spawn().unwrap();
    let pid = child.id().unwrap().to_string();
    let mut writer = tokio::fs::OpenOptions::new().write(true).open(&path).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut writer, text.as_bytes()).await.unwrap();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait()).await.unwrap().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).await.unwrap();
    assert!(ended.code() == Some(130) && stderr.contains("cancelled groups/"), "{stderr}");
    let mut db = throughline_testkit::connect(&suite.postgres_url()).await;
    let states: Vec<i16> =
        sqlx::query_scalar("SELECT state FROM ingestion.import ORDER BY created_at").fetch_all(&mut db).await.unwrap();
    assert_eq!(states, [2, 4], "the first succeeded and the second was cancelled");
    assert!(suite.stop().await.success());
}

/// Runs an import of a folder; its summary, its stderr, and the most memory that it had.
async fn measured(suite: &Suite, folder: &Path) -> (Value, String, u64) {
    let mut child = import(suite, folder).spawn().unwrap();
    let pid = child.id().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reading = async move {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let (out, err) = tokio::join!(out.read_to_string(&mut stdout), err.read_to_string(&mut stderr));
        out.and(err).unwrap();
        (stdout, stderr)
    };
    tokio::pin!(reading);
    let mut most = 0;
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let (stdout, stderr) = loop {
        tokio::select! {
            read = &mut reading => break read,
            _ = look.tick() => most = most.max(peak(pid).unwrap_or(0)),
        }
    };
    assert!(!child.wait().await.unwrap().success(), "files failed, and so does the command: {stderr}");
    assert!(most > 0, "its memory was never seen");
    (serde_json::from_str(stdout.trim()).unwrap(), stderr, most)
}

/// The most memory that a process has had so far, bytes.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
