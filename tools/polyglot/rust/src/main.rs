//! Writes the Rust code of the files in a set of descriptors, one module a package: `recourse-generate SET FOLDER`.

use prost::Message;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(set), Some(folder), None) = (args.next(), args.next(), args.next()) else {
        return Err("usage: recourse-generate SET FOLDER".into());
    };
    let mut set = prost_types::FileDescriptorSet::decode(&*fs::read(set)?)?;
    // What every program has in prost-types.
    set.file.retain(|file| file.package() != "google.protobuf");

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names(); // the type URL of a detail
    tonic_prost_build::configure()
        .out_dir(folder)
        .include_file("mod.rs")
        .compile_fds_with_config(set, config)?;
    Ok(())
}
