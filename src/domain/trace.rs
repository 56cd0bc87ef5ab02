//! The trace that an event belongs to (W3C Trace Context, Level 1), as its sender told it.
//! Knows no headers and makes no spans.

/// Characters of a `traceparent` of version `00`.
const PARENT: usize = 55;
/// Most entries of a `tracestate`.
const MAX_ENTRIES: usize = 32;
/// Bytes of a `tracestate` that are kept.
const MAX_STATE: usize = 512;
/// Longer entries are the first to go when there is no room for all.
const LONG_ENTRY: usize = 128;

/// A valid `traceparent` and the `tracestate` beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// In the form of version `00`: 55 characters.
    pub traceparent: String,
    /// As sent, its lines joined; at most 512 bytes, absent where it is none.
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// The trace that these lines of the two headers name, in the order in which they came.
    ///
    /// Without exactly one valid `traceparent` there is none; a bad `tracestate` is left out and spoils nothing.
    pub fn parse<'a>(
        traceparent: impl IntoIterator<Item = &'a str>,
        tracestate: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        let mut lines = traceparent.into_iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        Some(Self { traceparent: parent(trimmed(line))?, tracestate: state(tracestate) })
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Of a later version only what version `00` has is understood: the first 55 characters, and of the flags the first.
fn parent(text: &str) -> Option<String> {
    let (known, more) = text.split_at_checked(PARENT)?;
    let [version, trace, span, flags] = fields(known)?;
    let later = version != "00";
    let zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    let valid = version != "ff" && !zero(trace) && !zero(span);
    let ends = more.is_empty() || later && more.starts_with('-');
    let flags = if later { sampled(flags)? } else { flags };
    (valid && ends).then(|| format!("00-{trace}-{span}-{flags}"))
}

fn fields(text: &str) -> Option<[&str; 4]> {
    let mut fields = text.split('-');
    let mut next = |length: usize| fields.next().filter(|field| field.len() == length && is_lower_hex(field));
    Some([next(2)?, next(32)?, next(16)?, next(2)?])
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn sampled(flags: &str) -> Option<&'static str> {
    let bits = u8::from_str_radix(flags, 16).ok()?;
    Some(if bits & 1 == 1 { "01" } else { "00" })
}

/// Of two entries of one key the first counts: it is the newer one.
fn state<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut entries: Vec<(&str, &str)> = Vec::new();
    let mut count = 0;
    for entry in lines.into_iter().flat_map(|line| line.split(',')).map(trimmed).filter(|entry| !entry.is_empty()) {
        let key = key_of(entry)?;
        count += 1;
        if count > MAX_ENTRIES {
            return None;
        }
        if entries.iter().all(|(known, _)| *known != key) {
            entries.push((key, entry));
        }
    }
    let kept = shortened(entries.into_iter().map(|(_, entry)| entry).collect());
    (!kept.is_empty()).then(|| kept.join(","))
}

/// Whole entries go, the long ones first and then the oldest (section 3.3.1.5).
fn shortened(mut entries: Vec<&str>) -> Vec<&str> {
    let too_long = |entries: &[&str]| entries.iter().map(|entry| entry.len() + 1).sum::<usize>() > MAX_STATE + 1;
    while too_long(&entries) {
        let long = entries.iter().rposition(|entry| entry.len() > LONG_ENTRY);
        entries.remove(long.unwrap_or(entries.len() - 1));
    }
    entries
}

fn key_of(entry: &str) -> Option<&str> {
    let (key, value) = entry.split_once('=')?;
    let value_fits = (1..=256).contains(&value.len()) && value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'=');
    (is_key(key) && value_fits).then_some(key)
}

/// `simple`, or `tenant@system`.
fn is_key(key: &str) -> bool {
    match key.split_once('@') {
        None => is_name(key, 256) && begins_with_letter(key),
        Some((tenant, system)) => is_name(tenant, 241) && is_name(system, 14) && begins_with_letter(system),
    }
}

fn is_name(text: &str, max: usize) -> bool {
    let inside = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= max && begins && text.bytes().all(inside)
}

fn begins_with_letter(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
