//! tonic repeats no call by itself. This does, as the error of a call asks for.

use std::time::Duration;

use recourse_errors::{Verdict, read_error};
use tonic::Status;

const ATTEMPTS: u32 = 4;
const BACKOFF: Duration = Duration::from_millis(50); // doubled each time, where the server names no delay
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes a call anew until it succeeds, or its error says that the same request is not worth sending again or that this
/// takes longer than people wait. For methods without side effects, and requests that the server takes once.
pub async fn repeat<T>(mut call: impl AsyncFnMut() -> Result<T, Status>) -> Result<T, Status> {
    for attempt in 1..ATTEMPTS {
        let status = match call().await {
            Ok(reply) => return Ok(reply),
            Err(status) => status,
        };
        let error = read_error(&status);
        let wait = error.retry_delay.unwrap_or(BACKOFF * 2u32.pow(attempt - 1));
        if error.verdict != Verdict::SameRequest || error.action_required || wait > PATIENCE {
            return Err(status);
        }
        tokio::time::sleep(wait).await;
    }
    call().await
}
