//! Rules that no golden file shows, and the ways of a stranger's encoder.

use std::collections::HashMap;

use prost::Message;
use prost_types::{Any, Duration, Timestamp};
use recourse_errors::v1::fix_fields::Fix;
use recourse_errors::v1::{
    CallMethod, ContactSupport, Degraded, ErrorDetail, FixFields, OpenLink, PollOperation,
    Reauthenticate, ReduceBatch, Refresh, RequestAccess, RestartTransaction, RetryAdvice,
    RetryAfter, UpgradeClient, WaitForQuota,
};
use recourse_errors::{Action, Actor, Outcome, RecoveryAction, Verdict, read_degraded, read_error};
use recourse_errors_conformance::encoded::{detail, error_detail, failed, field, marked};
use tonic::{Code, Status};

/// An action of every kind, with all that it can say: a new field is missing here until somebody thinks of it.
fn actions(text: &str) -> Vec<RecoveryAction> {
    let t = || text.to_owned();
    let duration = Some(Duration {
        seconds: 1,
        nanos: 5,
    });
    let kinds = [
        Action::RetryAfter(RetryAfter {
            max_delay: duration,
            max_attempts: 3,
            delay: duration,
        }),
        Action::Reauthenticate(Reauthenticate {
            kind: 1,
            scopes: vec![t(), t()],
        }),
        Action::FixFields(FixFields {
            fixes: vec![Fix {
                field: t(),
                reason: t(),
                allowed_values: vec![t()],
                suggested_value: t(),
            }],
        }),
        Action::CallMethod(CallMethod {
            method: t(),
            copy_fields: HashMap::from([(t(), t())]),
        }),
        Action::Refresh(Refresh {
            resource: t(),
            stale_field: t(),
        }),
        Action::ReduceBatch(ReduceBatch {
            field: t(),
            max_items: 1,
            max_bytes: 2,
        }),
        Action::WaitForQuota(WaitForQuota {
            quota_id: t(),
            resets_at: Some(Timestamp {
                seconds: 1,
                nanos: 2,
            }),
        }),
        Action::RequestAccess(RequestAccess {
            permissions: vec![t()],
            resource: t(),
        }),
        Action::PollOperation(PollOperation {
            operation: t(),
            interval: duration,
        }),
        Action::RestartTransaction(RestartTransaction { scope: t() }),
        Action::UpgradeClient(UpgradeClient { min_version: t() }),
        Action::OpenLink(OpenLink {
            url: format!("https://{text}"),
        }),
        Action::ContactSupport(ContactSupport {
            channel: t(),
            reference: t(),
        }),
        Action::Custom(Any {
            type_url: t(),
            value: vec![0xff],
        }),
    ];
    let action = |kind| RecoveryAction {
        actor: Actor::Admin.into(),
        label: t(),
        then_retry: true,
        required: true,
        action: Some(kind),
    };
    kinds.map(action).into()
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    for i in 0..out.len() {
        if out[i..].starts_with(from) {
            out[i..i + to.len()].copy_from_slice(to);
        }
    }
    out
}

fn read_action(action: &[u8]) -> Vec<RecoveryAction> {
    let mut value = ErrorDetail::default().encode_to_vec();
    value.extend([4 << 3 | 2, u8::try_from(action.len()).unwrap()]);
    value.extend_from_slice(action);
    read_error(&failed(Code::Cancelled, vec![error_detail(value)])).actions // a code without actions of its own
}

#[test]
fn bytes_that_are_no_text_are_mended_everywhere_in_an_action() {
    for (action, want) in actions("a@@b").iter().zip(actions("a\u{fffd}b")) {
        let broken = replace(&action.encode_to_vec(), b"@@", b"\xff\xfe");
        assert_eq!(read_action(&broken), [want]);
    }
}

#[test]
fn every_text_in_an_action_is_clean_and_cut() {
    let (long, cut) = (
        "\u{7}".to_owned() + &"x".repeat(300),
        "x".repeat(253) + "...",
    );
    for (action, mut want) in actions(&long).into_iter().zip(actions(&cut)) {
        want.label = "x".repeat(77) + "...";
        if let Some(Action::OpenLink(link)) = &mut want.action {
            link.url = format!("https://{}...", "x".repeat(245));
        }
        let value = ErrorDetail {
            recovery_actions: vec![action],
            ..ErrorDetail::default()
        };
        let read = read_error(&failed(
            Code::Cancelled,
            vec![error_detail(value.encode_to_vec())],
        ));
        assert_eq!(read.actions, [want]);
        let waits = matches!(read.actions[0].action, Some(Action::RetryAfter(_)));
        assert_eq!(read.action_required, !waits);
    }
}

#[test]
fn lists_in_an_action_are_cut() {
    let many = || vec!["x".to_owned(); 30];
    let fix = Fix {
        allowed_values: many(),
        ..Fix::default()
    };
    let kinds = [
        Action::Reauthenticate(Reauthenticate {
            scopes: many(),
            ..Reauthenticate::default()
        }),
        Action::RequestAccess(RequestAccess {
            permissions: many(),
            ..RequestAccess::default()
        }),
        Action::FixFields(FixFields {
            fixes: vec![fix; 30],
        }),
    ];
    let recovery_actions = kinds
        .map(|kind| RecoveryAction {
            action: Some(kind),
            ..RecoveryAction::default()
        })
        .into();
    let value = ErrorDetail {
        recovery_actions,
        ..ErrorDetail::default()
    };
    let read = read_error(&failed(
        Code::Internal,
        vec![error_detail(value.encode_to_vec())],
    ));
    let lengths: Vec<_> = read
        .actions
        .iter()
        .map(|action| match &action.action {
            Some(Action::Reauthenticate(a)) => (a.scopes.len(), 0),
            Some(Action::RequestAccess(a)) => (a.permissions.len(), 0),
            Some(Action::FixFields(a)) => (a.fixes.len(), a.fixes[24].allowed_values.len()),
            _ => panic!("{action:?}"),
        })
        .collect();
    assert_eq!(lengths, [(25, 0), (25, 0), (25, 25)]);
}

#[test]
fn a_field_of_an_unexpected_wire_type_is_passed_over() {
    let number_for_text = [1 << 3, 7]; // of reason
    let value = [&number_for_text, field(2, b"d.example.com").as_slice()].concat();
    let read = read_error(&failed(
        Code::Internal,
        vec![detail("google.rpc.ErrorInfo", value)],
    ));
    assert_eq!(
        (read.error_code.as_str(), read.domain.as_str()),
        ("INTERNAL", "d.example.com")
    );

    let text_for_number = field(5, b"outcome");
    let value = [text_for_number, field(3, b"Do this.")].concat();
    let read = read_error(&failed(Code::Internal, vec![error_detail(value)]));
    assert_eq!(
        (read.suggestion.as_str(), read.outcome),
        ("Do this.", Outcome::Unspecified)
    );
}

#[test]
fn groups_are_passed_over() {
    const START: u8 = 15 << 3 | 3;
    const END: u8 = 15 << 3 | 4;
    let nested = [
        vec![START, 1 << 3 | 3, 2 << 3, 9, 1 << 3 | 4],
        field(3, b"in"),
        vec![END],
    ]
    .concat();
    // The byte that is no text has the message mended.
    let value = [nested, field(3, b"Do \xff this.")].concat();
    let suggestion =
        |value| read_error(&failed(Code::Internal, vec![error_detail(value)])).suggestion;
    assert_eq!(suggestion(value), "Do \u{fffd} this.");
    let usual = "Please report this issue to support.";
    for broken in [
        vec![START],
        vec![END],
        vec![START, 14 << 3 | 4],
        vec![START; 70],
    ] {
        assert_eq!(
            suggestion([field(3, b"Do \xff this."), broken].concat()),
            usual
        );
    }
}

#[test]
fn a_group_that_ends_as_another_is_no_message() {
    let fields = [
        field(1, b"A_CODE"),
        field(2, b"example.com"),
        field(3, b"Ask."),
    ]
    .concat();
    // Field 6 is no group, 12 is none that anybody knows.
    for (start, end, read) in [(6, 6, true), (6, 5, false), (12, 12, true), (12, 11, false)] {
        let group: &[u8] = &[start << 3 | 3, end << 3 | 4];
        let call = failed(
            Code::NotFound,
            vec![error_detail([&fields, group].concat())],
        );
        assert_eq!(read_error(&call).suggestion == "Ask.", read);
    }
}

#[test]
fn a_length_has_at_most_64_bits() {
    let suggestion =
        |value| read_error(&failed(Code::Internal, vec![error_detail(value)])).suggestion;
    let long = |last| {
        [
            vec![3 << 3 | 2, 0x82],
            vec![0x80; 8],
            vec![last],
            b"\xffx".to_vec(),
        ]
        .concat()
    };
    assert_eq!(suggestion(long(0)), "\u{fffd}x");
    assert_eq!(suggestion(long(2)), "Please report this issue to support.");
}

#[test]
fn one_run_of_bytes_that_are_no_text_is_one_character() {
    for (bytes, want) in [
        (&b"\xff\xfe\xed\xa0\x80a"[..], "\u{fffd}a"), // a surrogate in the end
        (b"\xc3a\xc3\xc3", "\u{fffd}a\u{fffd}"),
        (b"\xe2\x82\xac\xe2\x82", "\u{20ac}\u{fffd}"),
    ] {
        let read = read_error(&failed(Code::Internal, vec![error_detail(field(3, bytes))]));
        assert_eq!(read.suggestion, want, "{bytes:x?}");
    }
}

#[test]
fn a_detail_that_says_nothing_of_a_repeat_leaves_it_to_the_metadata() {
    let info = |verdict: &[u8]| {
        let entry = [field(1, b"recourseRetry"), field(2, verdict)].concat();
        detail("google.rpc.ErrorInfo", field(3, &entry))
    };
    let advised = ErrorDetail {
        retry: Some(RetryAdvice::default()),
        ..ErrorDetail::default()
    };
    for (info, value, want) in [
        (
            info(b"AT_HIGHER_LEVEL"),
            ErrorDetail::default(),
            Verdict::AtHigherLevel,
        ),
        (info(b"AT_HIGHER_LEVEL"), advised, Verdict::SameRequest),
        (info(b"TOMORROW"), ErrorDetail::default(), Verdict::Never),
        (info(b""), ErrorDetail::default(), Verdict::SameRequest),
        (
            info(b"UNSPECIFIED"),
            ErrorDetail::default(),
            Verdict::SameRequest,
        ),
    ] {
        let status = failed(
            Code::Unavailable,
            vec![info, error_detail(value.encode_to_vec())],
        );
        assert_eq!(read_error(&status).verdict, want, "{value:?}");
    }
}

#[test]
fn an_error_without_a_code_is_internal() {
    let read = read_error(&Status::ok("fine"));
    assert_eq!(
        (read.code, read.error_code.as_str(), read.message.as_str()),
        (Code::Internal, "INTERNAL", "fine")
    );
}

#[test]
fn a_request_id_may_be_any_bytes() {
    let mut status = Status::internal("");
    let id = tonic::metadata::MetadataValue::try_from(&b" a\xffb\tc "[..]).unwrap();
    status.metadata_mut().insert("x-request-id", id);
    assert_eq!(read_error(&status).request_id, "a\u{fffd}b c");
}

#[test]
fn a_mark_is_mended_and_read_as_a_whole() {
    let renew = |label: &[u8]| field(5, &field(2, label));
    let suggestion = field(4, b"Ask at \xff the desk.");
    let read = read_degraded(&marked(&[suggestion.clone(), renew(b"Re\xffnew")].concat())).unwrap();
    assert_eq!(read.suggestion, "Ask at \u{fffd} the desk.");
    assert_eq!(
        read.actions
            .iter()
            .map(|a| a.label.as_str())
            .collect::<Vec<_>>(),
        ["Re\u{fffd}new"]
    );

    let read = read_degraded(&marked(
        &[suggestion, field(5, b"\x12\xff"), renew(b"Renew")].concat(),
    ))
    .unwrap();
    assert_eq!(
        (read.suggestion.as_str(), read.source.as_str()),
        ("", "not said")
    );
}

#[test]
fn a_mark_has_no_advice_of_a_code() {
    let blank = Degraded {
        suggestion: " ".to_owned(),
        domain: "d.example.com".to_owned(),
        ..Degraded::default()
    };
    let read = read_degraded(&marked(&blank.encode_to_vec())).unwrap();
    assert_eq!(
        (
            read.suggestion.as_str(),
            read.domain.as_str(),
            read.source.as_str()
        ),
        ("", "", "not said")
    );
    assert!(read.actions.is_empty());
}

#[test]
fn a_mark_that_is_no_base64_is_one_all_the_same() {
    let mut trailers = marked(b"");
    let mut headers = std::mem::take(&mut trailers).into_headers();
    headers.insert("recourse-degraded-bin", "%".parse().unwrap());
    let read = read_degraded(&tonic::metadata::MetadataMap::from_headers(headers)).unwrap();
    assert_eq!(read.source, "not said");
}

#[test]
fn an_age_below_zero_is_none() {
    for (age, want) in [
        ((0, -1), None),
        ((-1, 0), None),
        ((0, 0), Some(0)),
        ((1, 1_999_999), Some(1001)),
        ((1, 1_000_000_000), None),
    ] {
        let age = Some(Duration {
            seconds: age.0,
            nanos: age.1,
        });
        let mark = Degraded {
            age,
            ..Degraded::default()
        }
        .encode_to_vec();
        let read = read_degraded(&marked(&mark)).unwrap();
        assert_eq!(read.age.map(|age| age.as_millis()), want, "{age:?}");
    }
}

#[test]
fn a_status_with_another_code_is_of_another_error() {
    let inner = failed(Code::NotFound, vec![error_detail(field(3, b"Do this."))]);
    let details = tonic::codegen::Bytes::copy_from_slice(inner.details());
    let read = read_error(&Status::with_details(Code::Internal, "mine", details));
    assert_eq!(
        (read.message.as_str(), read.suggestion.as_str()),
        ("mine", "Please report this issue to support.")
    );
}

#[test]
fn metadata_has_64_entries_by_their_keys() {
    let entry =
        |key: &str, value: &[u8]| field(3, &[field(1, key.as_bytes()), field(2, value)].concat());
    let entries = (0..70)
        .rev()
        .flat_map(|i| entry(&format!("key{i:02}"), b"x"))
        .collect();
    let read = read_error(&failed(
        Code::Internal,
        vec![detail("google.rpc.ErrorInfo", entries)],
    ));
    assert_eq!(
        read.metadata.keys().next_back().map(String::as_str),
        Some("key63")
    );
    assert_eq!(read.metadata.len(), 64);

    let long = [b'X'; 65];
    let value = [entry("recourseRetry", &long), entry("recourseOther", &long)].concat();
    let read = read_error(&failed(
        Code::Unavailable,
        vec![detail("google.rpc.ErrorInfo", value)],
    ));
    assert_eq!(
        read.metadata.into_keys().collect::<Vec<_>>(),
        ["recourseOther"]
    );
    assert_eq!(read.verdict, Verdict::SameRequest);
}

#[test]
fn of_two_details_the_first_counts() {
    let said = |text: &str, verdict: Verdict, outcome: Outcome| {
        let value = ErrorDetail {
            suggestion: text.to_owned(),
            operation: text.to_owned(),
            recovery_actions: vec![RecoveryAction {
                label: text.to_owned(),
                ..RecoveryAction::default()
            }],
            retry: Some(RetryAdvice {
                verdict: verdict.into(),
                attempts: 1,
                ..RetryAdvice::default()
            }),
            outcome: outcome.into(),
            ..ErrorDetail::default()
        };
        error_detail(value.encode_to_vec())
    };
    let details = vec![
        said("first", Verdict::AfterAction, Outcome::Applied),
        said("second", Verdict::Never, Outcome::NotApplied),
    ];
    let read = read_error(&failed(Code::Internal, details));
    assert_eq!(
        (read.suggestion.as_str(), read.operation.as_str()),
        ("first", "first")
    );
    assert_eq!(
        read.actions
            .iter()
            .map(|a| a.label.as_str())
            .collect::<Vec<_>>(),
        ["first"]
    );
    assert_eq!(
        (read.verdict, read.attempts, read.outcome),
        (Verdict::AfterAction, 1, Outcome::Applied)
    );
}

#[test]
fn a_mark_is_the_last_of_its_key_and_not_too_large() {
    let mark = |n| {
        Degraded {
            source: "x".repeat(n),
            ..Degraded::default()
        }
        .encode_to_vec()
    };
    let (most, beyond) = (mark(8189), mark(8190));
    assert_eq!((most.len(), beyond.len()), (8192, 8193));
    let mut trailers = marked(&beyond);
    assert_eq!(read_degraded(&trailers).unwrap().source, "not said");
    trailers.append_bin(
        "recourse-degraded-bin",
        tonic::metadata::MetadataValue::from_bytes(&most),
    );
    assert_eq!(
        read_degraded(&trailers).unwrap().source,
        "x".repeat(61) + "..."
    );
    trailers.append_bin(
        "recourse-degraded-bin",
        tonic::metadata::MetadataValue::from_bytes(&mark(3)),
    );
    assert_eq!(read_degraded(&trailers).unwrap().source, "xxx");
}
