use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::error::{MAX_DOMAIN, MAX_ERROR_CODE, MAX_TEXT, is_valid, milliseconds};
use crate::text::clean;
use crate::v1::{Degraded, RecoveryAction};
use crate::wire::{self, decode, lossy};
use crate::{DegradedKind, actions};

const MAX_MARK: usize = 8192;
const MAX_SOURCE: usize = 64;

/// Why an answer is not the real one but the best that was left.
///
/// Its texts are as clean as those of an [`ErrorReport`](crate::ErrorReport), and are advice from the network too.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DegradedReport {
    /// How the answer differs from the real one.
    pub kind: DegradedKind,

    /// The error that the real answer ended with; empty if the server does not say.
    pub error_code: String,

    /// Who defines the error code.
    pub domain: String,

    /// What a person can try for a better answer.
    pub suggestion: String,

    /// What would bring the real answer back, best first: alternatives, at most five.
    pub actions: Vec<RecoveryAction>,

    /// How old the answer is, in whole milliseconds.
    pub age: Option<Duration>,

    /// Where the answer came from, such as "cache"; "not said" for a mark of which no more than the kind arrived.
    pub source: String,
}

/// Reads the mark of a call that succeeded; none where the answer is the real one.
///
/// It is in [`Response::metadata`](tonic::Response::metadata), where tonic puts the trailers of a call with one reply,
/// and in [`Streaming::trailers`](tonic::Streaming::trailers) of a stream. A server that knew early has put it into the
/// metadata of a stream's response as well. It never fails, whatever a server has sent.
pub fn read_degraded(metadata: &MetadataMap) -> Option<DegradedReport> {
    let mark = metadata
        .get_all_bin("recourse-degraded-bin")
        .iter()
        .next_back();
    let words = metadata.get_all("recourse-degraded").iter().next_back();
    if mark.is_none() && words.is_none() {
        return None;
    }
    match mark.and_then(|value| read(&value.to_bytes().ok()?)) {
        Some(report) if report != DegradedReport::default() => Some(report),
        Some(_) => Some(not_said(DegradedKind::Unspecified)),
        None => {
            Some(not_said(words.map_or(DegradedKind::Unspecified, |words| {
                kind(words.as_bytes())
            })))
        }
    }
}

fn read(mark: &[u8]) -> Option<DegradedReport> {
    if mark.len() > MAX_MARK {
        return None;
    }
    let said: Degraded = decode(mark, wire::DEGRADED)?;
    let error_code = clean(&said.error_code, MAX_ERROR_CODE);
    let domain = if error_code.is_empty() {
        ""
    } else {
        &said.domain
    };
    Some(DegradedReport {
        kind: said.kind(),
        domain: clean(domain, MAX_DOMAIN),
        error_code,
        suggestion: clean(&said.suggestion, MAX_TEXT),
        actions: actions::shown(said.recovery_actions),
        age: said
            .age
            .filter(|age| is_valid(age) && age.seconds >= 0 && age.nanos >= 0)
            .map(milliseconds),
        source: clean(&said.source, MAX_SOURCE),
    })
}

/// The kind in the words that stand beside the mark for logs and gateways, such as stale;age=40.
fn kind(words: &[u8]) -> DegradedKind {
    let words = lossy(words);
    let name = words
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_uppercase();
    DegradedKind::from_str_name(&format!("KIND_{name}")).unwrap_or_default()
}

fn not_said(kind: DegradedKind) -> DegradedReport {
    DegradedReport {
        kind,
        source: "not said".to_owned(),
        ..DegradedReport::default()
    }
}
