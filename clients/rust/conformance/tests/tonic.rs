//! What tonic makes of a call, as README.md has it.

use std::net::TcpListener;
use std::time::Duration;

use recourse_errors::{Outcome, read_error};
use tonic::codegen::http::HeaderMap;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

#[tokio::test]
async fn a_deadline_of_the_caller() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // nobody accepts
    let address = format!("http://{}", silent.local_addr().unwrap());
    let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = Request::new(());
    request.set_timeout(Duration::from_millis(50));
    let path = PathAndQuery::from_static("/a.v1.A/B");
    let status = client
        .unary(request, path, ProstCodec::<(), ()>::default())
        .await
        .unwrap_err();

    assert_eq!(
        status.code(),
        Code::Cancelled,
        "tonic has changed: {status:?}"
    );
    let read = read_error(&status);
    assert_eq!(
        (read.code, read.outcome),
        (Code::DeadlineExceeded, Outcome::Indeterminate)
    );
    assert_eq!(
        read_error(&Status::cancelled("by the server")).code,
        Code::Cancelled
    );
}

#[test]
#[should_panic(expected = "expected base64 encoded value")]
fn details_that_are_no_base64() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "5".parse().unwrap());
    trailers.insert("grpc-status-details-bin", "%".parse().unwrap());
    let _ = Status::from_header_map(&trailers);
}

#[test]
fn a_message_that_is_no_text() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "5".parse().unwrap());
    trailers.insert("grpc-message", "%FF".parse().unwrap());
    let status = Status::from_header_map(&trailers).unwrap();
    assert_eq!(
        read_error(&status).code,
        Code::Unknown,
        "tonic has changed: {status:?}"
    );
}
