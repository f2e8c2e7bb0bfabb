//! Writes the Rust code of the files in a set of descriptors, one module a package: `recourse-generate SET FOLDER`.

use prost::Message;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(set), Some(folder), None) = (args.next(), args.next(), args.next()) else {
        return Err("usage: recourse-generate SET FOLDER".into());
    };
    let set = prost_types::FileDescriptorSet::decode(&*fs::read(set)?)?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    config.type_name_domain(["."], "type.googleapis.com"); // or a detail has no type URL that others know
    tonic_prost_build::configure()
        .out_dir(folder)
        .include_file("mod.rs")
        .build_transport(false) // which transport is up to the client
        .compile_fds_with_config(set, config)?;
    Ok(())
}
