//! Reads the golden errors, and says in their terms what recourse-errors reads.

pub mod encoded;

use std::error::Error;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use recourse_errors::{
    Action, DegradedReport, ErrorReport, RecoveryAction, read_degraded, read_error, v1,
};
use serde_json::{Map, Value, json};
use tonic::metadata::{AsciiMetadataKey, BinaryMetadataKey, BinaryMetadataValue, MetadataMap};
use tonic::{Code, Status};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why something is not as it should be.
pub type Wrong = Box<dyn Error + Send + Sync>;

/// One golden file.
pub struct Golden {
    /// Of the file, without its ending.
    pub name: String,
    /// Whether it cannot cross a connection.
    pub file_only: bool,
    pub call: Call,
    pub report: Value,
}

/// A call as it ended.
pub struct Call {
    pub code: i32,
    pub message: String,
    /// The value of grpc-status-details-bin.
    pub status: Vec<u8>,
    /// Headers and trailers; where both have a key, that of the trailers counts.
    pub metadata: MetadataMap,
}

impl Call {
    /// What tonic makes of the call.
    pub fn outcome(&self) -> Result<MetadataMap, Status> {
        if self.code == 0 {
            return Ok(self.metadata.clone());
        }
        let (code, details) = (Code::from(self.code), self.status.clone().into());
        Err(Status::with_details_and_metadata(
            code,
            &self.message,
            details,
            self.metadata.clone(),
        ))
    }
}

/// Reads the golden files of a folder, in the order of their names.
pub fn load(folder: &Path) -> Result<Vec<Golden>, Wrong> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            files.push(read(&path).map_err(|err| format!("{}: {err}", path.display()))?);
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() {
        return Err(format!("no golden files in {}", folder.display()).into());
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Golden, Wrong> {
    let file: Value = serde_json::from_slice(&fs::read(path)?)?;
    let call = &file["call"];
    let mut metadata = MetadataMap::new();
    for group in ["headers", "trailers"] {
        for (key, value) in call[group].as_object().into_iter().flatten() {
            let value = value.as_str().ok_or("a value is no text")?;
            if key.ends_with("-bin") {
                let value = BinaryMetadataValue::from_bytes(&BASE64.decode(value)?);
                metadata.insert_bin(BinaryMetadataKey::from_bytes(key.as_bytes())?, value);
            } else {
                metadata.insert(
                    AsciiMetadataKey::from_bytes(key.as_bytes())?,
                    value.parse()?,
                );
            }
        }
    }
    Ok(Golden {
        name: path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        file_only: file.get("fileOnly").is_some(),
        call: Call {
            code: i32::try_from(call["code"].as_i64().ok_or("no code")?)?,
            message: call["message"].as_str().unwrap_or_default().to_owned(),
            status: BASE64.decode(call["status"].as_str().unwrap_or_default())?,
            metadata,
        },
        report: file["report"].clone(),
    })
}

/// Fails where what is read of a call is not the report that is wanted.
pub fn compare(outcome: Result<&MetadataMap, &Status>, want: &Value) -> Result<(), Wrong> {
    let got = match outcome {
        Ok(metadata) => report_of_answer(read_degraded(metadata)),
        Err(status) => report(&read_error(status)),
    };
    if got != *want {
        return Err(format!("read {got}, want {want}").into());
    }
    Ok(())
}

fn report_of_answer(mark: Option<DegradedReport>) -> Value {
    let degraded = mark.map(|mark| {
        said([
            ("kind", word(mark.kind.as_str_name())),
            ("errorCode", json!(mark.error_code)),
            ("domain", json!(mark.domain)),
            ("suggestion", json!(mark.suggestion)),
            ("actions", actions(&mark.actions)),
            ("ageMs", json!(mark.age.map(|age| age.as_millis() as u64))),
            ("source", json!(mark.source)),
        ])
    });
    let mut report = said([("code", json!("OK"))]);
    if let Some(degraded) = degraded {
        report["degraded"] = degraded;
    }
    report
}

fn report(error: &ErrorReport) -> Value {
    said([
        ("code", json!(code(error.code))),
        ("errorCode", json!(error.error_code)),
        ("domain", json!(error.domain)),
        ("message", json!(error.message)),
        ("metadata", json!(error.metadata)),
        ("suggestion", json!(error.suggestion)),
        ("actions", actions(&error.actions)),
        ("actionRequired", json!(error.action_required)),
        ("verdict", word(error.verdict.as_str_name())),
        ("why", word(error.why.as_str_name())),
        ("attempts", number(error.attempts)),
        ("outcome", word(error.outcome.as_str_name())),
        (
            "retryDelayMs",
            json!(error.retry_delay.map(|delay| delay.as_millis() as u64)),
        ),
        ("requestId", json!(error.request_id)),
        ("operation", json!(error.operation)),
    ])
}

/// An object without what is empty, false or not said.
fn said<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    });
    Value::Object(
        fields
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

/// A number that says nothing where it is 0.
fn number(n: u32) -> Value {
    if n == 0 { Value::Null } else { json!(n) }
}

/// The name of a value of an enum without the prefix that all of them have; nothing for the first.
fn word(name: &str) -> Value {
    const PREFIXES: [&str; 5] = ["VERDICT_", "WHY_", "OUTCOME_", "KIND_", "ACTOR_"];
    match PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        None | Some("UNSPECIFIED") => Value::Null,
        Some(word) => json!(word),
    }
}

fn code(code: Code) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES[code as usize]
}

fn actions(list: &[RecoveryAction]) -> Value {
    let action = |a: &RecoveryAction| {
        let (kind, body) = a.action.as_ref().map(typed).unzip();
        said([
            ("type", json!(kind)),
            ("actor", word(a.actor().as_str_name())),
            ("label", json!(a.label)),
            ("thenRetry", json!(a.then_retry)),
            ("required", json!(a.required)),
            ("body", body.unwrap_or_default()),
        ])
    };
    list.iter().map(action).collect()
}

/// The name of an action in the oneof, and its body in proto's JSON form.
pub fn typed(action: &Action) -> (&'static str, Value) {
    let text = |text: &String| json!(text);
    let duration = |d: &Option<prost_types::Duration>| json!(d.map(|d| d.to_string()));
    match action {
        Action::RetryAfter(a) => (
            "retry_after",
            said([
                ("max_delay", duration(&a.max_delay)),
                ("max_attempts", number(a.max_attempts)),
                ("delay", duration(&a.delay)),
            ]),
        ),
        Action::Reauthenticate(a) => {
            let kind = match v1::reauthenticate::Kind::try_from(a.kind) {
                Ok(v1::reauthenticate::Kind::Unspecified) => Value::Null,
                Ok(kind) => json!(kind.as_str_name()),
                Err(_) => json!(a.kind),
            };
            (
                "reauthenticate",
                said([("kind", kind), ("scopes", json!(a.scopes))]),
            )
        }
        Action::FixFields(a) => {
            let fix = |fix: &v1::fix_fields::Fix| {
                said([
                    ("field", text(&fix.field)),
                    ("reason", text(&fix.reason)),
                    ("allowed_values", json!(fix.allowed_values)),
                    ("suggested_value", text(&fix.suggested_value)),
                ])
            };
            (
                "fix_fields",
                said([("fixes", a.fixes.iter().map(fix).collect())]),
            )
        }
        Action::CallMethod(a) => (
            "call_method",
            said([
                ("method", text(&a.method)),
                ("copy_fields", json!(a.copy_fields)),
            ]),
        ),
        Action::Refresh(a) => (
            "refresh",
            said([
                ("resource", text(&a.resource)),
                ("stale_field", text(&a.stale_field)),
            ]),
        ),
        Action::ReduceBatch(a) => {
            let bytes = (a.max_bytes != 0).then(|| a.max_bytes.to_string()); // 64 bits are text in JSON
            let body = [
                ("field", text(&a.field)),
                ("max_items", number(a.max_items)),
                ("max_bytes", json!(bytes)),
            ];
            ("reduce_batch", said(body))
        }
        Action::WaitForQuota(a) => {
            let resets_at = json!(a.resets_at.map(|t| t.to_string()));
            (
                "wait_for_quota",
                said([("quota_id", text(&a.quota_id)), ("resets_at", resets_at)]),
            )
        }
        Action::RequestAccess(a) => (
            "request_access",
            said([
                ("permissions", json!(a.permissions)),
                ("resource", text(&a.resource)),
            ]),
        ),
        Action::PollOperation(a) => (
            "poll_operation",
            said([
                ("operation", text(&a.operation)),
                ("interval", duration(&a.interval)),
            ]),
        ),
        Action::RestartTransaction(a) => ("restart_transaction", said([("scope", text(&a.scope))])),
        Action::UpgradeClient(a) => (
            "upgrade_client",
            said([("min_version", text(&a.min_version))]),
        ),
        Action::OpenLink(a) => ("open_link", said([("url", text(&a.url))])),
        Action::ContactSupport(a) => (
            "contact_support",
            said([
                ("channel", text(&a.channel)),
                ("reference", text(&a.reference)),
            ]),
        ),
        Action::Custom(a) => (
            "custom",
            said([(
                "type",
                json!(a.type_url.rsplit('/').next().unwrap_or_default()),
            )]),
        ),
    }
}
