//! Reads what a gRPC error says about what to do next: what a person can try, what a program can do, whether and when
//! the request makes sense again, and what to quote to support.
//!
//! ```
//! # fn show(call: Result<tonic::Response<()>, tonic::Status>) {
//! use recourse_errors::{Verdict, read_degraded, read_error};
//!
//! match call {
//!     Ok(response) => match read_degraded(response.metadata()) {
//!         Some(mark) => println!("This is not the real answer. {}", mark.suggestion),
//!         None => println!("Done."),
//!     },
//!     Err(status) => {
//!         let error = read_error(&status);
//!         println!("{} Request id: {}", error.suggestion, error.request_id);
//!         error.actions.iter().for_each(|action| println!("- {}", action.label));
//!         if error.verdict == Verdict::SameRequest {
//!             println!("Worth another try after {:?}.", error.retry_delay.unwrap_or_default());
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! Nothing is carried out here, and nothing that a server sends makes these functions panic. What a program may do about
//! an action by itself is said at [`v1::RecoveryAction`].

mod actions;
mod codes;
mod degraded;
mod error;
mod text;
mod wire;

/// The messages of recourse.v1, as prost generates them.
#[allow(missing_docs, clippy::all)]
#[rustfmt::skip]
pub mod v1 {
    include!("recourse.v1.rs");
}

pub use degraded::{DegradedReport, read_degraded};
pub use error::{ErrorReport, read_error};
pub use v1::degraded::Kind as DegradedKind;
pub use v1::recovery_action::{Action, Actor};
pub use v1::retry_advice::{Verdict, Why};
pub use v1::{Outcome, RecoveryAction};
