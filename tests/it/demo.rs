//! The demo as a newcomer's first look, without a terminal: it must end by itself and have shown what it promises.
use std::{process::Stdio, time::Instant};

use tokio::process::Command;

use crate::suite::{binary, finish};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_by_itself_and_keeps_its_promises() {
    let began = Instant::now();
    let child = Command::new(binary("throughline"))
        .args(["demo", "--seconds", "60", "--rooftops", "3"])
        .env("THROUGHLINE_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let printed = finish(child).await;
    assert!(printed.status.success(), "{}\n{}", printed.stdout, printed.stderr);
    for promised in ["waits for", "flags stand", "webhooks delivered and verified, 0 refused", "median", "/metrics"] {
        assert!(printed.stdout.contains(promised), "no {promised:?} in\n{}", printed.stdout);
    }
    let warned = printed.stdout.lines().find(|line| line.contains("minutes or more for F&I")).unwrap();
    assert!(!warned.starts_with("0 customers"), "nobody waited: {warned}");
    assert!(began.elapsed().as_secs() < 300, "the demo took {:?}", began.elapsed());
}
