use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::pb;

use crate::text::{NO_LIMIT, clean, is_clean};
use crate::v1::recovery_action::{Action, Actor};
use crate::v1::{ErrorDetail, RecoveryAction};
use crate::wire::{self, decode, decode_apart, lossy};
use crate::{Outcome, Verdict, Why, actions, codes};

pub(crate) const MAX_TEXT: usize = 256; // of a message, a suggestion, an operation
pub(crate) const MAX_ERROR_CODE: usize = 63;
pub(crate) const MAX_DOMAIN: usize = 253;
const MAX_REQUEST_ID: usize = 128;
const MAX_METADATA_KEY: usize = 64;
const MAX_METADATA: usize = 64;
const MAX_DETAILS: usize = 32;
const MAX_RECEIVED: usize = 64 << 10;

/// What a failed call says.
///
/// Every text is clean: one line without control, bidirectional or invisible characters, within its limit. A text that
/// is not said is empty. All of it is advice from the network: nothing in it is a command or a credential.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ErrorReport {
    /// The code of the call. DEADLINE_EXCEEDED where tonic has given up by itself, which it calls CANCELLED.
    pub code: Code,

    /// The stable name of the error, unique within its domain; the name of the code where the server gave none.
    pub error_code: String,

    /// Who defines the error code, usually the DNS name of a service.
    pub domain: String,

    /// For the developers of the client, in English.
    pub message: String,

    /// The dynamic parts of the error.
    pub metadata: BTreeMap<String, String>,

    /// What a person can try next. Never empty.
    pub suggestion: String,

    /// What would help, best first: alternatives, at most five. One that this version does not know has its label only.
    /// Where the server names none, it is what usually helps with the code.
    pub actions: Vec<RecoveryAction>,

    /// Whether one of the actions that the server named has to be done before the request makes sense again.
    pub action_required: bool,

    /// Whether to send the request again: what the server says, else what the code means. Never `Unspecified`.
    pub verdict: Verdict,

    /// Why so; `Unspecified` if the server does not say.
    pub why: Why,

    /// How many calls the service that gave up has made; 0 if the server does not say.
    pub attempts: u32,

    /// Whether the request took effect; `Unspecified` if nobody knows.
    pub outcome: Outcome,

    /// How long to wait at least before the request is repeated, in whole milliseconds. A client caps it.
    pub retry_delay: Option<Duration>,

    /// What to quote to the people who run the server.
    pub request_id: String,

    /// What has failed, if not the method that was called.
    pub operation: String,
}

/// Reads what a failed call says. It never fails, whatever a server has sent: where that says nothing, the report has
/// what the code alone tells.
pub fn read_error(call: &Status) -> ErrorReport {
    let code = match call.code() {
        Code::Ok => Code::Internal, // an error all the same, whatever it says
        Code::Cancelled if timed_out(call) => Code::DeadlineExceeded,
        code => code,
    };
    let status = status(call);
    let message = status.as_ref().map_or(call.message(), |s| &s.message);
    let details = Details::of(status.as_ref());

    let info = info(&details);
    let said = Statements::of(&details, &info);
    let retry_delay = retry_delay(&details);
    let (suggestion, usual) = codes::guidance(code, said.verdict);
    let action_required = said
        .actions
        .iter()
        .any(|a| a.required && !matches!(a.action, Some(Action::RetryAfter(_))));
    let mut actions = said.actions;
    if actions.is_empty() {
        actions.extend(usual);
    }
    if said.verdict == Verdict::Never {
        actions.retain(|a| {
            a.actor() != Actor::Client || !matches!(a.action, Some(Action::RetryAfter(_)))
        });
    }

    ErrorReport {
        code,
        error_code: or(said.error_code, codes::name(code)),
        domain: said.domain,
        message: clean(message, MAX_TEXT),
        metadata: info.metadata,
        suggestion: or(said.suggestion, suggestion),
        actions,
        action_required,
        verdict: match said.verdict {
            Verdict::Unspecified => assumed_verdict(code, said.outcome, retry_delay.is_some()),
            stated => stated,
        },
        why: said.why,
        attempts: said.attempts,
        outcome: match (said.outcome, code) {
            (Outcome::Unspecified, Code::Cancelled | Code::DeadlineExceeded) => {
                Outcome::Indeterminate
            }
            (stated, _) => stated,
        },
        retry_delay,
        request_id: request_id(&details, call),
        operation: said.operation,
    }
}

/// Reports whether the caller's own time was over: tonic then says CANCELLED, with this as the cause.
fn timed_out(call: &Status) -> bool {
    std::iter::successors(call.source(), |&err| err.source())
        .any(|err| err.is::<tonic::TimeoutExpired>())
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

fn assumed_verdict(code: Code, outcome: Outcome, delayed: bool) -> Verdict {
    match code {
        Code::ResourceExhausted if delayed => Verdict::SameRequest,
        Code::DeadlineExceeded if outcome == Outcome::NotApplied => Verdict::SameRequest,
        _ => codes::verdict(code),
    }
}

/// The status in the details, unless it is of another error. A code that tonic does not know is UNKNOWN in the call.
fn status(call: &Status) -> Option<pb::Status> {
    if call.details().is_empty() {
        return None;
    }
    let status: pb::Status = decode(call.details(), wire::STATUS)?;
    (Code::from(status.code) == call.code()).then_some(status)
}

/// What a reader takes of the details from a stranger.
struct Details<'a>(&'a [prost_types::Any]);

impl<'a> Details<'a> {
    fn of(status: Option<&'a pb::Status>) -> Self {
        let all = status.map_or(&[][..], |s| &s.details);
        let mut size = 0;
        let within = all.iter().take(MAX_DETAILS).take_while(|d| {
            size += d.type_url.len() + d.value.len();
            size <= MAX_RECEIVED
        });
        Details(&all[..within.count()])
    }

    /// The values of the details of a type, whatever host stands before its name.
    fn named(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |d| d.type_url.rsplit('/').next() == Some(name))
            .map(|d| d.value.as_slice())
    }
}

#[derive(Default)]
struct Info {
    error_code: String,
    domain: String,
    metadata: BTreeMap<String, String>,
}

/// Keys under which outcome and verdict stand in the metadata where the ErrorDetail is left out.
const KEY_OUTCOME: &str = "recourseOutcome";
const KEY_VERDICT: &str = "recourseRetry";

fn info(details: &Details<'_>) -> Info {
    let Some(info) = details
        .named("google.rpc.ErrorInfo")
        .find_map(|value| decode::<pb::ErrorInfo>(value, wire::ERROR_INFO))
    else {
        return Info::default();
    };
    let mut entries: Vec<_> = info
        .metadata
        .into_iter()
        .filter(|(key, value)| {
            let fits = !key.is_empty() && key.len() <= MAX_METADATA_KEY && is_clean(key);
            fits && !(matches!(key.as_str(), KEY_OUTCOME | KEY_VERDICT)
                && value.len() > MAX_METADATA_KEY)
        })
        .collect();
    entries.sort();
    Info {
        error_code: clean(&info.reason, MAX_ERROR_CODE),
        domain: clean(&info.domain, MAX_DOMAIN),
        metadata: entries
            .into_iter()
            .take(MAX_METADATA)
            .map(|(key, value)| (key, clean(&value, NO_LIMIT)))
            .collect(),
    }
}

/// What the server has said itself, first of all in its ErrorDetails.
struct Statements {
    error_code: String,
    domain: String,
    suggestion: String,
    actions: Vec<RecoveryAction>,
    advised: bool,
    verdict: Verdict,
    why: Why,
    attempts: u32,
    outcome: Outcome,
    operation: String,
}

impl Statements {
    fn of(details: &Details<'_>, info: &Info) -> Self {
        let mut said = Statements {
            error_code: info.error_code.clone(),
            domain: info.domain.clone(),
            suggestion: String::new(),
            actions: Vec::new(),
            advised: false,
            verdict: Verdict::Unspecified,
            why: Why::Unspecified,
            attempts: 0,
            outcome: Outcome::Unspecified,
            operation: String::new(),
        };
        for value in details.named("recourse.v1.ErrorDetail") {
            said.add(value);
        }
        if said.outcome == Outcome::Unspecified
            && let Some(name) = info.metadata.get(KEY_OUTCOME)
        {
            said.outcome = Outcome::from_str_name(&format!("OUTCOME_{name}")).unwrap_or_default();
        }
        if !said.advised
            && let Some(name) = info
                .metadata
                .get(KEY_VERDICT)
                .filter(|name| !name.is_empty())
        {
            said.verdict =
                Verdict::from_str_name(&format!("VERDICT_{name}")).unwrap_or(Verdict::Never);
        }
        said
    }

    /// Takes over what those before this detail have left empty, if it speaks of this error.
    fn add(&mut self, value: &[u8]) {
        // An action that does not decode is left out alone, and the causes nobody reads here.
        const ACTIONS: u32 = 4;
        const CAUSES: u32 = 8;
        let Some((detail, aside)) =
            decode_apart::<ErrorDetail>(value, wire::ERROR_DETAIL, &[ACTIONS, CAUSES])
        else {
            return;
        };
        let error_code = clean(&detail.error_code, MAX_ERROR_CODE);
        let domain = clean(&detail.domain, MAX_DOMAIN);
        if self.error_code.is_empty() && self.domain.is_empty() {
            self.error_code = error_code;
            self.domain = domain;
        } else if self.error_code != error_code || self.domain != domain {
            return;
        }

        fill(&mut self.suggestion, &detail.suggestion);
        fill(&mut self.operation, &detail.operation);
        if self.actions.is_empty() {
            let sent = aside.iter().filter(|field| field.number == ACTIONS);
            self.actions = actions::shown(
                sent.filter_map(|action| decode(action.bytes()?, wire::RECOVERY_ACTION)),
            );
        }
        if self.outcome == Outcome::Unspecified {
            self.outcome = detail.outcome();
        }
        if !self.advised
            && let Some(advice) = detail.retry
        {
            self.advised = true;
            self.verdict = Verdict::try_from(advice.verdict).unwrap_or(Verdict::Never); // it can only make us more careful
            self.why = advice.why();
            self.attempts = advice.attempts;
        }
    }
}

fn fill(text: &mut String, with: &str) {
    if text.is_empty() {
        *text = clean(with, MAX_TEXT);
    }
}

fn retry_delay(details: &Details<'_>) -> Option<Duration> {
    details
        .named("google.rpc.RetryInfo")
        .filter_map(|value| decode::<pb::RetryInfo>(value, wire::RETRY_INFO)?.retry_delay)
        .find(is_valid)
        .map(milliseconds)
}

pub(crate) fn is_valid(duration: &prost_types::Duration) -> bool {
    let prost_types::Duration { seconds, nanos } = *duration;
    (-315_576_000_000..=315_576_000_000).contains(&seconds)
        && (-999_999_999..=999_999_999).contains(&nanos)
        && seconds.signum() * i64::from(nanos.signum()) >= 0
}

/// A valid duration in whole milliseconds, as many as fit into 64 bits of nanoseconds; none of a negative one.
pub(crate) fn milliseconds(duration: prost_types::Duration) -> Duration {
    let all = duration.seconds * 1000 + i64::from(duration.nanos) / 1_000_000;
    Duration::from_millis(all.clamp(0, i64::MAX / 1_000_000).unsigned_abs())
}

fn request_id(details: &Details<'_>, call: &Status) -> String {
    details
        .named("google.rpc.RequestInfo")
        .filter_map(|value| decode::<pb::RequestInfo>(value, wire::REQUEST_INFO))
        .map(|info| clean(&info.request_id, MAX_REQUEST_ID))
        .find(|id| !id.is_empty())
        .or_else(|| {
            Some(clean(
                &lossy(call.metadata().get("x-request-id")?.as_bytes()),
                MAX_REQUEST_ID,
            ))
        })
        .unwrap_or_default()
}
