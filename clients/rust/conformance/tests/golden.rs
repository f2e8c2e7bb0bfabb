//! Every golden file, read without a connection.

use std::path::Path;

use recourse_errors_conformance::{compare, load};

#[test]
fn golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../conformance/golden");
    let files = load(&folder).unwrap();
    let wrong: Vec<String> = files
        .iter()
        .filter_map(|file| {
            let outcome = file.call.outcome();
            let err = compare(outcome.as_ref(), &file.report).err()?;
            Some(format!("{}: {err}", file.name))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} files:\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
}
