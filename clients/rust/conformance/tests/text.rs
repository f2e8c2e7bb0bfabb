//! The table of characters against text.json, character by character.

use std::fs;

use prost::Message;
use recourse_errors::read_error;
use recourse_errors_conformance::encoded::{detail, failed};
use serde_json::Value;
use tonic::Code;
use tonic_types::pb::ErrorInfo;

#[test]
fn every_character() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../conformance/text.json"
    );
    let table: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let ranges =
        |name: &str| -> Vec<[u32; 2]> { serde_json::from_value(table[name].clone()).unwrap() };
    let (spaces, removed) = (ranges("spaces"), ranges("removed"));
    let within = |ranges: &[[u32; 2]], c: char| {
        ranges
            .iter()
            .any(|&[first, last]| (first..=last).contains(&c.into()))
    };

    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for part in all.chunks(4096) {
        let sent: String = part.iter().flat_map(|&c| ['a', c, 'b']).collect();
        let want: String = part
            .iter()
            .map(|&c| match c {
                _ if within(&spaces, c) => "a b".to_owned(),
                _ if within(&removed, c) => "ab".to_owned(),
                _ => format!("a{c}b"),
            })
            .collect();
        let info = ErrorInfo {
            metadata: [("text".to_owned(), sent)].into(),
            ..ErrorInfo::default()
        };
        let read = read_error(&failed(
            Code::Internal,
            vec![detail("google.rpc.ErrorInfo", info.encode_to_vec())],
        ));
        assert_eq!(read.metadata["text"], want);
    }
}
