use std::path::Path;

use super::PostgresOptions;

/// What each server is told on its command line, where nothing left in the data directory can override it.
pub(super) fn settings(options: &PostgresOptions, sockets: &Path) -> Vec<(String, String)> {
    let connections = options.max_connections.to_string();
    let sockets = sockets.display().to_string();
    let mut settings: Vec<(&str, &str)> = vec![
        // no TCP at all: the socket's folder is open to its owner and to root alone, which is what makes trust right
        ("listen_addresses", ""),
        ("unix_socket_directories", &sockets),
        ("unix_socket_permissions", "0700"),
        ("max_connections", &connections),
        // a statement touches the partitions of every month it can't rule out
        ("max_locks_per_transaction", "256"),
        ("shared_buffers", "256MB"),
        // many small commits: room for the WAL between checkpoints, so that few pages are logged in full
        ("wal_buffers", "16MB"),
        ("max_wal_size", "2GB"),
        ("checkpoint_timeout", "15min"),
        // part heads and cursors are updated thousands of times a second
        ("autovacuum_naptime", "15s"),
        ("random_page_cost", "1.1"),
        // statements are short; compiling one costs more than running it
        ("jit", "off"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("log_checkpoints", "off"),
        // neither statements nor their values in the log: a duplicate key's detail may hold a customer's data
        ("log_error_verbosity", "terse"),
        ("log_min_error_statement", "panic"),
    ];
    if !options.durable {
        settings.extend([("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")]);
    }
    let ours = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    // the last of a name wins
    ours.chain(options.extra.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
        settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn durability_is_left_alone_unless_it_is_given_up() {
        let mut options = PostgresOptions::new("dir");
        assert_eq!(value(&settings(&options, Path::new("s")), "fsync"), None);
        options.durable = false;
        assert_eq!(value(&settings(&options, Path::new("s")), "fsync"), Some("off"));
    }

    #[test]
    fn an_extra_setting_wins() {
        let mut options = PostgresOptions::new("dir");
        options.extra.push(("shared_buffers".into(), "32MB".into()));
        assert_eq!(value(&settings(&options, Path::new("s")), "shared_buffers"), Some("32MB"));
    }
}
