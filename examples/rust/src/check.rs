//! What has to become of each situation, for the conformance suite.

use recourse_errors::{Action, ErrorReport};

use crate::Outcome;

/// Writes whether a situation ended as it has to.
pub fn tell(situation: &str, outcome: &Outcome) -> bool {
    let ended = check(situation, outcome);
    match &ended {
        Ok(()) => println!("ok example/{situation}"),
        Err(wrong) => println!("not ok example/{situation} # {wrong}"),
    }
    ended.is_ok()
}

fn check(situation: &str, outcome: &Outcome) -> Result<(), String> {
    let failed = |error_code| failed(outcome, error_code);
    match situation {
        "answer" => {
            ensure(
                "an answer about Oslo",
                outcome.answers.concat().contains("Oslo"),
            )?;
            ensure(
                "no error, and no mark",
                outcome.error.is_none() && outcome.mark.is_none(),
            )
        }
        "not-understood" => {
            let error = failed("INTENT_NOT_UNDERSTOOD")?;
            ensure(
                "its suggestion",
                error.suggestion == "Try rephrasing your request more clearly.",
            )?;
            ensure(
                "fix_fields",
                has(error, |a| matches!(a, Action::FixFields(_))),
            )
        }
        "fields" => {
            let asks = |a: &Action| match a {
                Action::FixFields(fix) => fix
                    .fixes
                    .iter()
                    .map(|fix| &fix.field)
                    .eq(["query", "request_id"]),
                _ => false,
            };
            ensure(
                "fix_fields for query and request_id",
                has(failed("FIELDS_INVALID")?, asks),
            )
        }
        "token-expired" => ensure(
            "reauthenticate",
            has(failed("TOKEN_EXPIRED")?, |a| {
                matches!(a, Action::Reauthenticate(_))
            }),
        ),
        "quota" => {
            let error = failed("QUOTA_USED_UP")?;
            ensure(
                "wait_for_quota",
                has(error, |a| matches!(a, Action::WaitForQuota(_))),
            )?;
            ensure(
                "a delay",
                error.retry_delay.is_some_and(|delay| !delay.is_zero()),
            )
        }
        "breaks-off" => {
            let (error, pieces) = (failed("TEXT_BROKE_OFF")?, outcome.answers.len());
            ensure("pieces", pieces > 0)?;
            ensure(
                "the next position",
                error.metadata.get("nextPosition") == Some(&pieces.to_string()),
            )
        }
        "sound" => failed("SOUND_NOT_SUPPORTED").map(drop),
        "chat-full" => {
            failed("CHAT_FULL")?;
            ensure("three answers", outcome.answers.len() == 3)
        }
        "bug" => {
            let error = failed("ASYNC_UNEXPECTED_FAILED")?;
            ensure(
                "contact_support",
                has(error, |a| matches!(a, Action::ContactSupport(_))),
            )?;
            ensure("a request id", !error.request_id.is_empty())
        }
        "degraded" => {
            ensure("an answer", !outcome.answers.concat().is_empty())?;
            ensure("a mark", outcome.mark.is_some())
        }
        _ => Err("no such situation".to_owned()),
    }
}

fn failed<'a>(outcome: &'a Outcome, error_code: &str) -> Result<&'a ErrorReport, String> {
    let error = outcome.error.as_ref().ok_or("it succeeded")?;
    if error.error_code == error_code {
        Ok(error)
    } else {
        Err(format!("ended with {error:?}, want {error_code}"))
    }
}

fn has(error: &ErrorReport, kind: impl Fn(&Action) -> bool) -> bool {
    error
        .actions
        .iter()
        .filter_map(|a| a.action.as_ref())
        .any(kind)
}

fn ensure(what: &str, there: bool) -> Result<(), String> {
    if there {
        Ok(())
    } else {
        Err(format!("missing: {what}"))
    }
}
