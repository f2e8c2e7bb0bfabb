//! The one rule for the texts of a report.

/// Characters that become one space each.
const SPACES: &[(u32, u32)] = &[
    (0x9, 0xd),
    (0x85, 0x85),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
];

/// Characters that go: they show nothing, or change what is around them.
const REMOVED: &[(u32, u32)] = &[
    (0x0, 0x8),
    (0xe, 0x1f),
    (0x7f, 0x84),
    (0x86, 0x9f),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x600, 0x605),
    (0x61c, 0x61c),
    (0x6dd, 0x6dd),
    (0x70f, 0x70f),
    (0x890, 0x891),
    (0x8e2, 0x8e2),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200b),
    (0x200e, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0d),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x110bd, 0x110bd),
    (0x110cd, 0x110cd),
    (0x13430, 0x1343f),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
];

pub const NO_LIMIT: usize = usize::MAX;

/// Makes text from a server safe to show on one line, and cuts it to so many bytes.
pub fn clean(text: &str, limit: usize) -> String {
    let shown: String = text
        .chars()
        .filter_map(|c| match c {
            ' '..='~' => Some(c),
            _ if within(SPACES, c) => Some(' '),
            _ if within(REMOVED, c) => None,
            _ => Some(c),
        })
        .collect();
    cut(shown.trim_matches(' '), limit)
}

/// Reports whether cleaning would leave the text as it is.
pub fn is_clean(text: &str) -> bool {
    clean(text, NO_LIMIT) == text
}

fn within(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let behind = ranges.partition_point(|&(first, _)| first <= c);
    behind > 0 && c <= ranges[behind - 1].1
}

fn cut(text: &str, limit: usize) -> String {
    const MARK: &str = "...";
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit - MARK.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end_matches(' ').to_owned() + MARK
}
