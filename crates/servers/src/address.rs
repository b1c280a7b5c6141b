use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Percent-encodes a path for a URL; `+` too, which a query would read as a space.
pub(crate) fn encode(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_in_a_url() {
        assert_eq!(encode(Path::new("/a b/c+d/é?&")), "/a%20b/c%2Bd/%C3%A9%3F%26");
    }
}
