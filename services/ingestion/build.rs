//! Cargo does not see files that macros include: a changed migration or query must rebuild this crate.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=sql");
    println!("cargo:rerun-if-changed=sqlx.toml");
}
