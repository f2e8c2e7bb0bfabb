//! Decodes messages of a stranger: prost refuses a whole message for one string that is not UTF-8, or one field of an
//! unexpected wire type. The first is mended, the second passed over, as most decoders do.

use prost::Message;

/// What is known of a field.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A number of variable length, an enum or a bool.
    Number,
    Text,
    Bytes,
    Message(Shape),
}

/// The fields of a message, by their numbers.
pub type Shape = &'static [(u32, Kind)];

const DURATION: Shape = &[(1, Kind::Number), (2, Kind::Number)];
const TIMESTAMP: Shape = DURATION;
const ENTRY: Shape = &[(1, Kind::Text), (2, Kind::Text)]; // of a map
const ANY: Shape = &[(1, Kind::Text), (2, Kind::Bytes)];

pub const STATUS: Shape = &[(1, Kind::Number), (2, Kind::Text), (3, Kind::Message(ANY))];
pub const ERROR_INFO: Shape = &[(1, Kind::Text), (2, Kind::Text), (3, Kind::Message(ENTRY))];
pub const RETRY_INFO: Shape = &[(1, Kind::Message(DURATION))];
pub const REQUEST_INFO: Shape = &[(1, Kind::Text), (2, Kind::Text)];

const RETRY_ADVICE: Shape = &[
    (1, Kind::Number),
    (2, Kind::Number),
    (3, Kind::Number),
    (4, Kind::Text),
];

/// Of recourse.v1.ErrorDetail, without its actions and causes.
pub const ERROR_DETAIL: Shape = &[
    (1, Kind::Text),
    (2, Kind::Text),
    (3, Kind::Text),
    (5, Kind::Number),
    (6, Kind::Message(RETRY_ADVICE)),
    (7, Kind::Text),
    (9, Kind::Number),
    (10, Kind::Text),
];

const RETRY_AFTER: Shape = &[
    (1, Kind::Message(DURATION)),
    (2, Kind::Number),
    (3, Kind::Message(DURATION)),
];
const REAUTHENTICATE: Shape = &[(1, Kind::Number), (2, Kind::Text)];
const FIX: Shape = &[
    (1, Kind::Text),
    (2, Kind::Text),
    (3, Kind::Text),
    (4, Kind::Text),
];
const FIX_FIELDS: Shape = &[(1, Kind::Message(FIX))];
const CALL_METHOD: Shape = &[(1, Kind::Text), (2, Kind::Message(ENTRY))];
const REFRESH: Shape = &[(1, Kind::Text), (2, Kind::Text)];
const REDUCE_BATCH: Shape = &[(1, Kind::Text), (2, Kind::Number), (3, Kind::Number)];
const WAIT_FOR_QUOTA: Shape = &[(1, Kind::Text), (2, Kind::Message(TIMESTAMP))];
const REQUEST_ACCESS: Shape = &[(1, Kind::Text), (2, Kind::Text)];
const POLL_OPERATION: Shape = &[(1, Kind::Text), (2, Kind::Message(DURATION))];
const ONE_TEXT: Shape = &[(1, Kind::Text)];
const CONTACT_SUPPORT: Shape = &[(1, Kind::Text), (2, Kind::Text)];

pub const RECOVERY_ACTION: Shape = &[
    (1, Kind::Number),
    (2, Kind::Text),
    (3, Kind::Number),
    (4, Kind::Number),
    (101, Kind::Message(RETRY_AFTER)),
    (102, Kind::Message(REAUTHENTICATE)),
    (103, Kind::Message(FIX_FIELDS)),
    (104, Kind::Message(CALL_METHOD)),
    (105, Kind::Message(REFRESH)),
    (106, Kind::Message(REDUCE_BATCH)),
    (107, Kind::Message(WAIT_FOR_QUOTA)),
    (108, Kind::Message(REQUEST_ACCESS)),
    (109, Kind::Message(POLL_OPERATION)),
    (110, Kind::Message(ONE_TEXT)), // RestartTransaction
    (111, Kind::Message(ONE_TEXT)), // UpgradeClient
    (112, Kind::Message(ONE_TEXT)), // OpenLink
    (113, Kind::Message(CONTACT_SUPPORT)),
    (200, Kind::Message(ANY)),
];

pub const DEGRADED: Shape = &[
    (1, Kind::Number),
    (2, Kind::Text),
    (3, Kind::Text),
    (4, Kind::Text),
    (5, Kind::Message(RECOVERY_ACTION)),
    (6, Kind::Message(DURATION)),
    (7, Kind::Text),
];

/// Decodes a message whatever its texts are; none for bytes that are no message.
pub fn decode<M: Message + Default>(bytes: &[u8], shape: Shape) -> Option<M> {
    M::decode(bytes)
        .or_else(|err| M::decode(mend(bytes, shape).ok_or(err)?.as_slice()))
        .ok()
}

/// Decodes a message without what stands in some of its fields, which are messages in a list, and returns these as they
/// are: one of them that does not decode does not spoil the rest.
pub fn decode_apart<'a, M: Message + Default>(
    bytes: &'a [u8],
    shape: Shape,
    apart: &[u32],
) -> Option<(M, Vec<Field<'a>>)> {
    let (aside, rest): (Vec<_>, Vec<_>) = split(bytes)?
        .into_iter()
        .partition(|f| apart.contains(&f.number));
    let rest: Vec<u8> = rest.iter().flat_map(|f| f.raw).copied().collect();
    Some((decode(&rest, shape)?, aside))
}

/// One field of an encoded message.
pub struct Field<'a> {
    pub number: u32,
    /// All of it, its key included.
    raw: &'a [u8],
    key: &'a [u8],
    value: Value<'a>,
}

impl<'a> Field<'a> {
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(value) => Some(value),
            _ => None,
        }
    }
}

enum Value<'a> {
    Number,
    Bytes(&'a [u8]),
    /// Of fixed length, or a group: no field of ours.
    Other,
}

/// Cuts an encoded message into its fields; none for bytes that are no message.
fn split(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (field, rest) = cut(bytes)?;
        fields.push(field);
        bytes = rest;
    }
    Some(fields)
}

const MAX_NUMBER: u64 = (1 << 29) - 1;

fn cut(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (number, wire_type, behind_key) = key(bytes)?;
    let (value, rest) = match wire_type {
        0 => (Value::Number, varint(behind_key)?.1),
        2 => {
            let (value, rest) = delimited(behind_key)?;
            (Value::Bytes(value), rest)
        }
        3 => (Value::Other, group(number, behind_key)?),
        _ => (Value::Other, skip(wire_type, behind_key)?),
    };
    let raw = &bytes[..bytes.len() - rest.len()];
    let key = &bytes[..bytes.len() - behind_key.len()];
    Some((
        Field {
            number,
            raw,
            key,
            value,
        },
        rest,
    ))
}

fn key(bytes: &[u8]) -> Option<(u32, u64, &[u8])> {
    let (key, rest) = varint(bytes)?;
    let number = key >> 3;
    if number == 0 || number > MAX_NUMBER {
        return None;
    }
    Some((u32::try_from(number).ok()?, key & 7, rest))
}

/// Returns what comes after a value; none for one that is no scalar.
fn skip(wire_type: u64, bytes: &[u8]) -> Option<&[u8]> {
    match wire_type {
        0 => Some(varint(bytes)?.1),
        1 => bytes.get(8..),
        2 => Some(delimited(bytes)?.1),
        5 => bytes.get(4..),
        _ => None,
    }
}

/// Returns what comes after a group.
fn group(number: u32, mut bytes: &[u8]) -> Option<&[u8]> {
    let mut open = vec![number];
    while !open.is_empty() {
        let (number, wire_type, rest) = key(bytes)?;
        bytes = match wire_type {
            3 => {
                open.push(number);
                rest
            }
            4 if open.pop() == Some(number) => rest,
            _ => skip(wire_type, rest)?,
        };
    }
    Some(bytes)
}

fn delimited(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = varint(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().take(10).enumerate() {
        if i == 9 && byte > 1 {
            return None; // more than 64 bits
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Copies a message with valid texts, and without the fields that are not of the wire type of their declaration.
fn mend(bytes: &[u8], shape: Shape) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    for field in split(bytes)? {
        let declared = shape
            .iter()
            .find(|(number, _)| *number == field.number)
            .map(|(_, kind)| *kind);
        let mended = match (declared, &field.value) {
            (None, _)
            | (Some(Kind::Number), Value::Number)
            | (Some(Kind::Bytes), Value::Bytes(_)) => {
                out.extend_from_slice(field.raw);
                continue;
            }
            (Some(Kind::Text), Value::Bytes(value)) => lossy(value).into_bytes(),
            (Some(Kind::Message(shape)), Value::Bytes(value)) => mend(value, shape)?,
            _ => continue,
        };
        out.extend_from_slice(field.key);
        put_varint(mended.len() as u64, &mut out);
        out.extend_from_slice(&mended);
    }
    Some(out)
}

/// Decodes UTF-8, with one U+FFFD for each run of bytes that are none.
pub fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut in_run = false;
    for chunk in bytes.utf8_chunks() {
        in_run &= chunk.valid().is_empty();
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !in_run {
            text.push(char::REPLACEMENT_CHARACTER);
            in_run = true;
        }
    }
    text
}
