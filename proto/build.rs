//! Compiles every `.proto` with protox: no protoc is needed on the user's machine.
use std::{env, error::Error, fs, path::PathBuf};

const PACKAGES: [&str; 9] = ["event", "log", "tenant", "ingestion", "deal", "rule", "notification", "report", "error"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=protos");
    println!("cargo:rerun-if-changed=vendor");
    let mut files: Vec<String> =
        PACKAGES.iter().map(|package| format!("throughline/{package}/v1/{package}.proto")).collect();
    files.push("throughline/deal/v1/rebuild.proto".to_owned());
    // Reflection clients read error details only if the server registers them.
    files.push("google/rpc/error_details.proto".to_owned());

    let mut compiler = protox::Compiler::new(["protos", "vendor"])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(files)?;
    // The encoded set keeps custom options, which the prost types would drop.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    tonic_prost_build::configure()
        .codec_path("crate::codec::StrictCodec")
        .bytes(".throughline.log.v1.StoredEntry.body")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .compile_well_known_types(false)
        .btree_map(".throughline.event.v1.Event")
        .btree_map(".throughline.deal.v1.Deal")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
