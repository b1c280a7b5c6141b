//! Compiles every `.proto` with protox: no protoc is needed on the user's machine.
use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 14] = [
    "event/v1/event",
    "log/v1/log",
    "tenant/v1/tenant",
    "ingestion/v1/ingestion",
    "ingestion/v1/decision",
    "ingestion/v1/hook",
    "ingestion/v1/import",
    "deal/v1/deal",
    "deal/v1/rebuild",
    "rule/v1/rule",
    "rule/v1/floor",
    "notification/v1/notification",
    "report/v1/report",
    "error/v1/error",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=protos");
    println!("cargo:rerun-if-changed=vendor");
    let mut files: Vec<String> = FILES.iter().map(|file| format!("throughline/{file}.proto")).collect();
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
        .btree_map(".throughline.ingestion.v1.ImportCounts")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
