//! Reads a status with the code in gen/rust. An example, so that the generator is built without what this needs.

use generated::assistant::v1::{assistant_client, assistant_server, model_backend_server};
use generated::recourse::v1::{Degraded, ErrorDetail, recovery_action::Action};
use prost::{Message, Name};
use std::{env, error::Error, fs};
use tonic_types::pb::{ErrorInfo, Status};

#[allow(dead_code)] // all of it is compiled, not all of it is called
#[path = "../../../../gen/rust/mod.rs"]
mod generated;

#[allow(dead_code)]
type Client = assistant_client::AssistantClient<tonic::body::Body>;

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: check FILE")?;
    let status = Status::decode(&*fs::read(file)?)?;
    let [info, detail] = &status.details[..] else {
        return Err("not two details".into());
    };
    if detail.type_url != ErrorDetail::type_url() {
        return Err(format!("the second detail is {}", detail.type_url).into());
    }
    let info = ErrorInfo::decode(&*info.value)?;
    let detail = ErrorDetail::decode(&*detail.value)?;
    let action = detail.recovery_actions.first().ok_or("no action")?;
    let Some(Action::RetryAfter(after)) = &action.action else {
        return Err("another action".into());
    };
    let delay = after.max_delay.ok_or("no delay")?;

    assert_eq!(assistant_server::SERVICE_NAME, "assistant.v1.Assistant");
    assert_eq!(model_backend_server::SERVICE_NAME, "assistant.v1.ModelBackend");
    assert_eq!(Degraded::full_name(), "recourse.v1.Degraded");

    println!(
        "{} {} {} {} {} {}ms {} | {}",
        status.code,
        info.reason,
        detail.domain,
        detail.outcome,
        detail.retry.ok_or("no advice")?.verdict,
        delay.seconds * 1000 + i64::from(delay.nanos) / 1_000_000,
        action.label,
        detail.suggestion,
    );
    Ok(())
}
