//! Neither the migrations nor the queries without columns are tracked by cargo by themselves.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=sql");
}
