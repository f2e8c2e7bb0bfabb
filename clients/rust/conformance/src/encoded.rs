//! Errors and marks as they travel.

use prost::{Message, Name};
use prost_types::Any;
use recourse_errors::v1::ErrorDetail;
use tonic::metadata::{BinaryMetadataValue, MetadataMap};
use tonic::{Code, Status};
use tonic_types::pb;

/// A failed call with these details.
pub fn failed(code: Code, details: Vec<Any>) -> Status {
    let status = pb::Status {
        code: code.into(),
        message: "the message".to_owned(),
        details,
    };
    Status::with_details(code, "the message", status.encode_to_vec().into())
}

pub fn detail(name: &str, value: Vec<u8>) -> Any {
    Any {
        type_url: format!("type.googleapis.com/{name}"),
        value,
    }
}

pub fn error_detail(value: Vec<u8>) -> Any {
    detail(&ErrorDetail::full_name(), value)
}

/// A field of bytes. Its number is below 16, and it has at most 127.
pub fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, value.len() as u8], value].concat()
}

pub fn marked(mark: &[u8]) -> MetadataMap {
    let mut trailers = MetadataMap::new();
    trailers.insert_bin(
        "recourse-degraded-bin",
        BinaryMetadataValue::from_bytes(mark),
    );
    trailers
}
