use std::env;
use std::path::{Path, PathBuf};

/// The folder that holds `samples/` and `logs/`: `THROUGHLINE_SAMPLES`, by default `../shared`, either seen from the
/// workspace's root. Where there is none it says so, and the test returns.
pub fn samples() -> Option<PathBuf> {
    let named = env::var_os("THROUGHLINE_SAMPLES").filter(|value| !value.is_empty());
    let folder = locate(named.as_deref().map(Path::new));
    if folder.is_none() {
        println!("skipped: no samples");
    }
    folder
}

fn locate(named: Option<&Path>) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join(named.unwrap_or(Path::new("../shared"))).canonicalize().ok()?;
    folder.join("samples").is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_counts_only_if_it_holds_samples() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(locate(Some(folder.path())), None);
        std::fs::create_dir(folder.path().join("samples")).unwrap();
        assert_eq!(locate(Some(folder.path())), Some(folder.path().canonicalize().unwrap()));
        assert_eq!(locate(Some(Path::new("no/such/folder"))), None);
    }
}
