use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

use nix::unistd::{Pid, Uid, geteuid, getpgid};
use throughline_servers::{Postgres, Redis, RedisOptions};

use crate::{ourselves_as, quick, scratch, sql};

fn user_of(pid: u32) -> Uid {
    Uid::from_raw(fs::metadata(format!("/proc/{pid}")).unwrap().uid())
}

#[tokio::test]
async fn servers_run_without_privileges_and_their_data_is_their_own() {
    let dir = scratch();
    let mut postgres = Postgres::start(&quick(&dir.path().join("postgres"))).await.unwrap();
    let mut redis = Redis::start(&RedisOptions::new(dir.path().join("redis"))).await.unwrap();
    for pid in [postgres.pid(), redis.pid()] {
        assert!(!user_of(pid).is_root());
        assert_eq!(user_of(pid) == geteuid(), !geteuid().is_root());
        let pid = Pid::from_raw(pid.cast_signed());
        assert_eq!(getpgid(Some(pid)).unwrap(), pid, "Ctrl-C in our terminal would stop it");
    }
    let data = fs::metadata(dir.path().join("postgres/data")).unwrap();
    assert_eq!(data.mode() & 0o777, 0o700);
    assert_eq!(Uid::from_raw(data.uid()), user_of(postgres.pid()));
    assert_eq!(fs::metadata(postgres.socket_dir()).unwrap().mode() & 0o777, 0o700);
    postgres.stop().await;
    redis.stop().await;
}

#[tokio::test]
async fn the_ancestor_that_blocks_the_way_is_named() {
    if !geteuid().is_root() {
        println!("skipped: only root starts servers as another user");
        return;
    }
    let dir = scratch();
    let blocking = dir.path().join("closed");
    fs::create_dir(&blocking).unwrap();
    fs::set_permissions(&blocking, fs::Permissions::from_mode(0o700)).unwrap();
    let error = Postgres::start(&quick(&blocking.join("a/b"))).await.unwrap_err().to_string();
    assert!(error.contains(&format!("can't enter {},", blocking.display())), "{error}");
    let error = Redis::start(&RedisOptions::new(blocking.join("c"))).await.unwrap_err().to_string();
    assert!(error.contains(&format!("can't enter {},", blocking.display())), "{error}");
}

/// Root starts this test again as `nobody`, who then does what any user does.
#[tokio::test]
async fn a_user_without_privileges_needs_none() {
    const DIR: &str = "THROUGHLINE_TEST_UNPRIVILEGED_DIR";
    if let Some(dir) = std::env::var_os(DIR) {
        let mut postgres = Postgres::start(&quick(dir.as_ref())).await.unwrap();
        assert_eq!(user_of(postgres.pid()), geteuid());
        assert_eq!(sql(&postgres.url("postgres"), "select 1"), "1");
        postgres.stop().await;
        return;
    }
    let again = ourselves_as("privilege::a_user_without_privileges_needs_none");
    let nobody = nix::unistd::User::from_name("nobody").unwrap();
    let (Some(nobody), true) = (nobody, geteuid().is_root()) else {
        println!("skipped: only root can become nobody; the other tests run without privileges then");
        return;
    };
    let setpriv = |program: &std::ffi::OsStr| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &nobody.uid.to_string(), "--regid", &nobody.gid.to_string(), "--clear-groups", "--"]);
        command.arg(program).current_dir("/");
        command
    };
    let reachable = setpriv("test".as_ref()).arg("-x").arg(again.get_program()).status().unwrap();
    if !reachable.success() {
        println!("skipped: nobody can't reach the test binary");
        return;
    }
    let dir = scratch();
    std::os::unix::fs::chown(dir.path(), Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
    let data = dir.path().join("data");
    let mut command = setpriv(again.get_program());
    let output = command.args(again.get_args()).env(DIR, &data).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));

    // root takes the directory over as its owner, not as somebody for whom the data would be foreign
    let mut postgres = Postgres::start(&quick(&data)).await.unwrap();
    assert_eq!(user_of(postgres.pid()), nobody.uid);
    postgres.stop().await;
}
