//! What a code alone tells a caller.

use tonic::Code;

use crate::Verdict;
use crate::v1::recovery_action::{Action, Actor};
use crate::v1::{
    ContactSupport, FixFields, Reauthenticate, RecoveryAction, Refresh, RequestAccess,
    RestartTransaction, RetryAfter, UpgradeClient, WaitForQuota,
};

const LATER: &str = "Try again in a few moments or check system status.";
const REPORT: &str = "Please report this issue to support.";

/// The name of a code as google.rpc.Code spells it.
pub fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

pub fn verdict(code: Code) -> Verdict {
    match code {
        Code::Unavailable => Verdict::SameRequest,
        Code::Aborted => Verdict::AtHigherLevel,
        Code::InvalidArgument
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unauthenticated => Verdict::AfterAction,
        _ => Verdict::Never,
    }
}

/// What to suggest for an error that suggests nothing itself. A stated verdict goes before the code.
pub fn guidance(code: Code, stated: Verdict) -> (&'static str, Option<RecoveryAction>) {
    let usual = verdict(code);
    match stated {
        Verdict::Unspecified => advice(code),
        _ if stated == usual => advice(code),
        Verdict::SameRequest if matches!(usual, Verdict::AfterAction | Verdict::AtHigherLevel) => {
            advice(Code::Unavailable)
        }
        Verdict::AtHigherLevel => advice(Code::Aborted),
        Verdict::Never => ("Repeating the request will not help now.", None), // of UNKNOWN and such, it is the usual one
        Verdict::SameRequest | Verdict::AfterAction => advice(code),
    }
}

fn advice(code: Code) -> (&'static str, Option<RecoveryAction>) {
    let support = || {
        action(
            Actor::EndUser,
            "Contact support",
            Action::ContactSupport(ContactSupport::default()),
        )
    };
    match code {
        Code::Cancelled => ("Nothing to do: the call was cancelled.", None),
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => (REPORT, support()),
        Code::InvalidArgument => (
            "Correct the request and send it again.",
            action(
                Actor::CallerCode,
                "Correct the request",
                Action::FixFields(FixFields::default()),
            ),
        ),
        Code::DeadlineExceeded => (LATER, None),
        Code::NotFound => ("Check the name or id and try again.", None),
        Code::AlreadyExists => ("Use what exists already, or choose another name.", None),
        Code::PermissionDenied => (
            "Ask an administrator for access.",
            action(
                Actor::Admin,
                "Request access",
                Action::RequestAccess(RequestAccess::default()),
            ),
        ),
        Code::ResourceExhausted => (
            "Wait before you try again, or ask for a higher limit.",
            action(
                Actor::CallerCode,
                "Wait for the limit to renew",
                Action::WaitForQuota(WaitForQuota::default()),
            ),
        ),
        Code::FailedPrecondition => (
            "Bring the system into the state that the request needs, then send it again.",
            action(
                Actor::CallerCode,
                "Read the current state",
                Action::Refresh(Refresh::default()),
            ),
        ),
        Code::Aborted => (
            "Start the whole operation again.",
            action(
                Actor::CallerCode,
                "Restart the transaction",
                Action::RestartTransaction(RestartTransaction::default()),
            ),
        ),
        Code::OutOfRange => (
            "Correct the value and send the request again.",
            action(
                Actor::CallerCode,
                "Correct the value",
                Action::FixFields(FixFields::default()),
            ),
        ),
        Code::Unimplemented => (
            "Check the version of the client and of the server.",
            action(
                Actor::ServiceOwner,
                "Update the client",
                Action::UpgradeClient(UpgradeClient::default()),
            ),
        ),
        Code::Unavailable => (
            LATER,
            action(
                Actor::Client,
                "Try again",
                Action::RetryAfter(RetryAfter::default()),
            ),
        ),
        Code::Unauthenticated => (
            "Sign in again.",
            action(
                Actor::EndUser,
                "Sign in again",
                Action::Reauthenticate(Reauthenticate::default()),
            ),
        ),
    }
}

fn action(actor: Actor, label: &str, action: Action) -> Option<RecoveryAction> {
    Some(RecoveryAction {
        actor: actor.into(),
        label: label.to_owned(),
        action: Some(action),
        ..RecoveryAction::default()
    })
}
