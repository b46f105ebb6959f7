//! Compiles the wire contract with protox: no protoc is needed.

use std::{env, fs, io, path::PathBuf};

const FILES: [&str; 5] = [
    "hattama/submission/v1/submission.proto",
    "hattama/log/v1/log.proto",
    "hattama/gateway/v1/gateway.proto",
    "hattama/aggregator/v1/aggregator.proto",
    "hattama/national/v1/national.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=hattama");
    let out_dir = env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    fs::write(out_dir.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let grpc = env::var_os("CARGO_FEATURE_GRPC").is_some();
    tonic_prost_build::configure()
        .build_client(grpc)
        .build_server(grpc)
        .bytes(".")
        .btree_map(".")
        .include_file("_all.rs")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
