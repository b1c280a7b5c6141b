use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The oldest PostgreSQL whose SQL we rely on.
const OLDEST_POSTGRES: u32 = 15;

/// Everything the embedded servers need, found on this machine.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub postgres: PostgresInstall,
    pub redis: RedisInstall,
}

impl Binaries {
    /// Finds both servers; the error names all that is missing at once.
    pub fn find() -> Result<Self, Error> {
        let place = Surroundings::of_this_process();
        match (newest(place.postgres()), place.redis()) {
            (Ok(postgres), Ok(redis)) => Ok(Self { postgres, redis }),
            (postgres, redis) => Err(Error::NotInstalled(
                [postgres.err(), redis.err()].into_iter().flatten().flat_map(missing).collect(),
            )),
        }
    }
}

fn missing(error: Error) -> Vec<String> {
    match error {
        Error::NotInstalled(what) => what,
        other => vec![other.to_string()],
    }
}

/// A folder with `postgres` and `initdb` of one major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresInstall {
    pub bin: PathBuf,
    pub major: u32,
}

impl PostgresInstall {
    /// The newest PostgreSQL found: `THROUGHLINE_PG_BIN` alone if set, else `PATH` and the usual places.
    pub fn find() -> Result<Self, Error> {
        newest(Surroundings::of_this_process().postgres())
    }

    /// The install that made the data in `data`, or the newest when there is no data yet.
    pub(crate) fn find_for(data: &Path) -> Result<Self, Error> {
        let found = Surroundings::of_this_process().postgres()?;
        let Some(wanted) = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|v| v.trim().parse::<u32>().ok())
        else {
            return newest(Ok(found));
        };
        let versions = found.iter().map(|i| i.major.to_string()).collect::<Vec<_>>().join(", ");
        found.into_iter().find(|install| install.major == wanted).ok_or_else(|| Error::OtherVersion {
            dir: data.to_owned(),
            wanted,
            found: versions,
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

fn newest(found: Result<Vec<PostgresInstall>, Error>) -> Result<PostgresInstall, Error> {
    found?.into_iter().max_by_key(|install| install.major).ok_or_else(|| Error::NotInstalled(vec![postgres_advice()]))
}

fn postgres_advice() -> String {
    format!(
        "PostgreSQL {OLDEST_POSTGRES} or newer (Debian: apt-get install postgresql-15; elsewhere, name its folder \
         of binaries in THROUGHLINE_PG_BIN)"
    )
}

/// A `redis-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisInstall {
    pub server: PathBuf,
}

impl RedisInstall {
    /// `THROUGHLINE_REDIS_SERVER` alone if set, else `redis-server` on `PATH` and in the usual places.
    pub fn find() -> Result<Self, Error> {
        Surroundings::of_this_process().redis()
    }
}

/// What the search depends on, apart from the process environment so that tests can give their own.
#[derive(Default)]
struct Surroundings {
    pg_bin: Option<PathBuf>,
    redis_server: Option<PathBuf>,
    path: Option<OsString>,
    /// Folders of per-version installs, each holding `VERSION/bin`.
    versions: Vec<PathBuf>,
    fixed: Vec<PathBuf>,
}

impl Surroundings {
    fn of_this_process() -> Self {
        let named = |key: &str| env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            pg_bin: named("THROUGHLINE_PG_BIN"),
            redis_server: named("THROUGHLINE_REDIS_SERVER"),
            path: env::var_os("PATH"),
            versions: vec!["/usr/lib/postgresql".into()],
            fixed: ["/usr/local/bin", "/usr/local/pgsql/bin", "/usr/bin"].map(PathBuf::from).into(),
        }
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let on_path: Vec<_> = self.path.iter().flat_map(env::split_paths).collect();
        on_path.into_iter().chain(self.fixed.clone())
    }

    fn postgres(&self) -> Result<Vec<PostgresInstall>, Error> {
        if let Some(bin) = &self.pg_bin {
            return match install_in(bin) {
                Some(install) if install.major >= OLDEST_POSTGRES => Ok(vec![install]),
                Some(install) => Err(Error::NotInstalled(vec![format!(
                    "THROUGHLINE_PG_BIN={} holds PostgreSQL {}, {OLDEST_POSTGRES} or newer is needed",
                    bin.display(),
                    install.major
                )])),
                None => Err(Error::NotInstalled(vec![format!(
                    "THROUGHLINE_PG_BIN={} holds no working postgres and initdb",
                    bin.display()
                )])),
            };
        }
        let per_version = self.versions.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        let candidates = per_version.flatten().map(|entry| entry.path().join("bin")).chain(self.folders());
        let mut found: Vec<PostgresInstall> = Vec::new();
        for install in candidates.filter_map(|bin| install_in(&bin)) {
            // the first of a version wins: a distribution's own place before what PATH happens to hold
            if install.major >= OLDEST_POSTGRES && found.iter().all(|known| known.major != install.major) {
                found.push(install);
            }
        }
        if found.is_empty() { Err(Error::NotInstalled(vec![postgres_advice()])) } else { Ok(found) }
    }

    fn redis(&self) -> Result<RedisInstall, Error> {
        if let Some(server) = &self.redis_server {
            return if server.is_file() {
                Ok(RedisInstall { server: server.clone() })
            } else {
                Err(Error::NotInstalled(vec![format!("THROUGHLINE_REDIS_SERVER={} is not a file", server.display())]))
            };
        }
        let server = self.folders().map(|folder| folder.join("redis-server")).find(|server| server.is_file());
        server.map(|server| RedisInstall { server }).ok_or_else(|| {
            Error::NotInstalled(vec![
                "Redis (Debian: apt-get install redis-server; elsewhere, name the binary in THROUGHLINE_REDIS_SERVER)"
                    .into(),
            ])
        })
    }
}

fn install_in(bin: &Path) -> Option<PostgresInstall> {
    let postgres = bin.join("postgres");
    if !postgres.is_file() || !bin.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let major = parse_major(&String::from_utf8_lossy(&output.stdout))?;
    Some(PostgresInstall { bin: bin.to_owned(), major })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15; so is `… 15beta2`.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fake_postgres(bin: &Path, version: &str) {
        fs::create_dir_all(bin).unwrap();
        for name in ["postgres", "initdb"] {
            let program = bin.join(name);
            fs::write(&program, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn the_major_version_is_read_from_any_kind_of_release() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("postgres"), None);
    }

    #[test]
    fn the_newest_install_wins_and_old_ones_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["13.4", "15.18", "16.2"] {
            fake_postgres(&folder.path().join(version).join("bin"), version);
        }
        let place = Surroundings { versions: vec![folder.path().to_owned()], ..Surroundings::default() };
        assert_eq!(newest(place.postgres()).unwrap().major, 16);
        assert_eq!(place.postgres().unwrap().len(), 2);
    }

    #[test]
    fn a_named_folder_is_the_only_place_searched() {
        let folder = tempfile::tempdir().unwrap();
        fake_postgres(&folder.path().join("16/bin"), "16.2");
        let place = Surroundings {
            pg_bin: Some(folder.path().join("nowhere")),
            versions: vec![folder.path().to_owned()],
            ..Surroundings::default()
        };
        let error = place.postgres().unwrap_err().to_string();
        assert!(error.contains("THROUGHLINE_PG_BIN") && error.contains("nowhere"), "{error}");
    }

    #[test]
    fn what_is_missing_is_named_as_a_package_to_install() {
        let nothing = Surroundings::default();
        assert!(nothing.postgres().unwrap_err().to_string().contains("postgresql-15"));
        assert!(nothing.redis().unwrap_err().to_string().contains("redis-server"));
    }
}
