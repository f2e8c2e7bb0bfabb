//! Whatever a server sends, there is a report, and it keeps its promises.

use std::path::Path;

use recourse_errors::{Action, Outcome, RecoveryAction, Verdict, read_degraded, read_error};
use recourse_errors_conformance::{load, typed};
use serde_json::Value;
use tonic::metadata::{BinaryMetadataValue, MetadataMap, MetadataValue};
use tonic::{Code, Status};

const ROUNDS: u32 = 20_000;

/// SplitMix64: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn bytes(&mut self, at_most: usize) -> Vec<u8> {
        (0..self.below(at_most + 1))
            .map(|_| self.next() as u8)
            .collect()
    }

    /// A few changes: a bit, a byte that means something to decoders, bytes cut out, put in or taken from elsewhere.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let to = at + self.below((bytes.len() - at).min(40));
            match self.below(6) {
                _ if bytes.is_empty() => *bytes = self.bytes(20),
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = [0, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x1b][self.below(7)],
                2 => drop(bytes.drain(at..to)),
                3 => drop(bytes.splice(at..at, self.bytes(8))),
                4 => {
                    let copy = bytes[at..to].to_vec();
                    let place = self.below(bytes.len());
                    bytes.splice(place..place, copy);
                }
                _ => bytes.truncate(at),
            }
        }
    }
}

fn clean(text: &str, limit: usize) {
    assert!(text.len() <= limit, "{text:?} is longer than {limit}");
    let shown = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(
        text.chars().all(shown) && text.trim_matches(' ') == text,
        "{text:?} is not clean"
    );
}

fn all_clean(body: &Value) {
    match body {
        Value::String(text) => clean(text, 256),
        Value::Array(list) => {
            assert!(list.len() <= 25);
            list.iter().for_each(all_clean);
        }
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            clean(key, 256);
            all_clean(value);
        }),
        _ => {}
    }
}

fn kept(actions: &[RecoveryAction]) {
    assert!(actions.len() <= 5);
    for action in actions {
        clean(&action.label, 80);
        assert_eq!(action.actor, i32::from(action.actor()));
        if let Some(Action::OpenLink(link)) = &action.action {
            assert!(link.url.starts_with("https://"));
        }
        if let Some(action) = &action.action {
            all_clean(&typed(action).1);
        }
    }
}

fn promises_of_an_error(status: &Status) {
    let read = read_error(status);
    assert_eq!(read, read_error(status));
    assert_ne!(read.verdict, Verdict::Unspecified);
    assert!(!read.suggestion.is_empty() && !read.error_code.is_empty());
    clean(&read.error_code, 63);
    clean(&read.domain, 253);
    clean(&read.message, 256);
    clean(&read.suggestion, 256);
    clean(&read.operation, 256);
    clean(&read.request_id, 128);
    assert!(read.metadata.len() <= 64);
    for (key, value) in &read.metadata {
        clean(key, 64);
        clean(value, usize::MAX);
    }
    kept(&read.actions);
    if matches!(read.code, Code::Cancelled | Code::DeadlineExceeded) {
        assert_ne!(read.outcome, Outcome::Unspecified);
    }
}

fn promises_of_a_mark(trailers: &MetadataMap) {
    let read = read_degraded(trailers).expect("a mark, whatever it says");
    assert_eq!(Some(&read), read_degraded(trailers).as_ref());
    assert_ne!(read, recourse_errors::DegradedReport::default());
    clean(&read.error_code, 63);
    clean(&read.domain, 253);
    clean(&read.suggestion, 256);
    clean(&read.source, 64);
    kept(&read.actions);
}

#[test]
fn whatever_a_server_sends() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../conformance/golden");
    let golden = load(&folder).unwrap();
    let errors: Vec<_> = golden
        .iter()
        .filter(|g| g.call.code != 0 && g.call.status.len() < 8192)
        .collect();
    let marks: Vec<_> = golden
        .iter()
        .filter(|g| g.call.metadata.contains_key("recourse-degraded-bin"))
        .collect();
    assert!(!errors.is_empty() && !marks.is_empty());

    let mut random = Random(20260101);
    for round in 0..ROUNDS {
        let call = &errors[random.below(errors.len())].call;
        let mut status = call.status.clone();
        let mut text = call.message.clone().into_bytes();
        random.mutate(&mut text);
        match round % 8 {
            0 => status = random.bytes(300),
            _ => random.mutate(&mut status),
        }
        // A changed code would have the details passed over.
        let code = if random.below(8) == 0 {
            Code::from(random.below(20) as i32)
        } else {
            Code::from(call.code)
        };
        let mut metadata = call.metadata.clone();
        if let Ok(id) = MetadataValue::try_from(random.bytes(200)) {
            metadata.insert("x-request-id", id);
        }
        let message = String::from_utf8_lossy(&text);
        promises_of_an_error(&Status::with_details_and_metadata(
            code,
            message,
            status.into(),
            metadata,
        ));

        let from = &marks[random.below(marks.len())].call.metadata;
        let mut mark = from
            .get_bin("recourse-degraded-bin")
            .unwrap()
            .to_bytes()
            .unwrap_or_default()
            .to_vec();
        random.mutate(&mut mark);
        let mut trailers = MetadataMap::new();
        trailers.insert_bin(
            "recourse-degraded-bin",
            BinaryMetadataValue::from_bytes(&mark),
        );
        if let Ok(words) = MetadataValue::try_from(random.bytes(20)) {
            trailers.insert("recourse-degraded", words);
        }
        promises_of_a_mark(&trailers);
    }
}
