use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock};
use std::thread;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::Mutex;

use crate::postgres;

/// A database of one test on the shared server, dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// An empty database.
    pub async fn create() -> Self {
        Self::cloned_from("template1").await
    }

    /// A copy of a database that `migrate` filled, given its URL. That happens once a process for each `key`; a copy
    /// takes a few hundredths of a second. `migrate` panics when it fails; connections that it leaves open are cut.
    ///
    /// Templates are made one at a time, since roles belong to the whole server and two migrations would meet there.
    pub async fn from_template<Done: Future<Output = ()>>(key: &str, migrate: impl FnOnce(String) -> Done) -> Self {
        static TEMPLATES: LazyLock<Mutex<HashMap<String, Arc<str>>>> = LazyLock::new(Mutex::default);
        let mut templates = TEMPLATES.lock().await;
        let template = match templates.get(key) {
            Some(template) => Arc::clone(template),
            None => {
                let template: Arc<str> = make_template(migrate).await.into();
                templates.insert(key.to_owned(), Arc::clone(&template));
                template
            }
        };
        drop(templates);
        Self::cloned_from(&template).await
    }

    async fn cloned_from(template: &str) -> Self {
        let server = postgres().await;
        let name = unique_name("test");
        execute(&server.url("postgres"), &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await;
        Self { url: server.url(&name), name }
    }

    /// For the superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// For another role, which needs no password.
    pub async fn url_as(&self, role: &str) -> String {
        postgres().await.url_as(role, &self.name)
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // best effort: the server and its directory go with the process anyway
        let _ = SWEEPER.try_send(self.name.clone());
    }
}

/// One connection; the test fails if there is none to be had.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("can't connect to {url}: {error}"))
}

/// Runs statements on a connection of their own.
pub(crate) async fn execute(url: &str, statements: &str) {
    let mut connection = connect(url).await;
    let done = connection.execute(AssertSqlSafe(statements.to_owned())).await;
    done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    // the server must not count it any more when a template is copied next
    let _ = connection.close().await;
}

fn unique_name(kind: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn make_template<Done: Future<Output = ()>>(migrate: impl FnOnce(String) -> Done) -> String {
    let server = postgres().await;
    let name = unique_name("template");
    let admin = server.url("postgres");
    execute(&admin, &format!("CREATE DATABASE \"{name}\"")).await;
    migrate(server.url(&name)).await;
    execute(&admin, &format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS false")).await;
    // nothing is copied while it is in use, and a session lasts a moment longer than its connection
    let sessions = format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'");
    execute(&admin, &sessions).await;
    name
}

/// Drops databases on a thread of its own, because a value is dropped where nothing can be awaited.
static SWEEPER: LazyLock<SyncSender<String>> = LazyLock::new(|| {
    let (sender, names) = sync_channel::<String>(1024);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("start a runtime to drop databases");
        runtime.block_on(async {
            let mut connection = connect(&postgres().await.url("postgres")).await;
            for name in names {
                let statement = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
                let _ = connection.execute(AssertSqlSafe(statement)).await;
            }
        });
    });
    sender
});
