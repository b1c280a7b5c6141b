//! Neither new migrations nor statements that return no columns are tracked by cargo on their own.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=sql");
    println!("cargo:rerun-if-changed=sqlx.toml");
}
