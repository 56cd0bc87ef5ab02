//! Which form a body is in, by its headers: plain JSON or a structured CloudEvent.
//! Knows nothing of what is inside the body.

use actix_web::http::header::{self, HeaderMap};

/// The forms of an event that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/json` with the attribute names of a CloudEvent.
    Plain,
    /// `application/cloudevents+json`.
    CloudEvent,
}

/// Why a body is in no form that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MediaTypeError {
    /// No usable `Content-Type`.
    #[error("Say what the body is in one Content-Type header")]
    Missing,
    /// Something else than JSON.
    #[error("The body is in another format")]
    Other,
    /// A batch of events.
    #[error("Batches are not taken; send the events one by one")]
    Batch,
    /// A CloudEvent in binary mode.
    #[error("CloudEvents in binary mode (ce-* headers) are not taken; send the event in structured mode")]
    Binary,
    /// Text that is not UTF-8.
    #[error("JSON is UTF-8; no other charset is taken")]
    Charset,
    /// A compressed body.
    #[error("Compressed bodies are not taken; send the body without Content-Encoding")]
    Encoded,
}

/// The form of the body that follows these headers.
pub(super) fn format_of(headers: &HeaderMap) -> Result<Format, MediaTypeError> {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let content_type = types.next().and_then(|value| value.to_str().ok()).ok_or(MediaTypeError::Missing)?;
    if types.next().is_some() {
        return Err(MediaTypeError::Missing);
    }
    if headers.get_all(header::CONTENT_ENCODING).any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(MediaTypeError::Encoded);
    }
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let format = format_named(essence.trim())?;
    if format == Format::Plain && headers.contains_key("ce-specversion") {
        return Err(MediaTypeError::Binary);
    }
    if parameters.split(';').all(is_harmless) { Ok(format) } else { Err(MediaTypeError::Charset) }
}

fn format_named(essence: &str) -> Result<Format, MediaTypeError> {
    let begins_with =
        |prefix: &str| essence.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Format::Plain)
    } else if essence.eq_ignore_ascii_case("application/cloudevents+json") {
        Ok(Format::CloudEvent)
    } else if begins_with("application/cloudevents-batch") {
        Err(MediaTypeError::Batch)
    } else {
        Err(MediaTypeError::Other)
    }
}

/// A parameter that is not a charset, or names the one there is.
fn is_harmless(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset") || value.eq_ignore_ascii_case("utf-8")
}

/// Whether a `datacontenttype` says JSON: `*/json` or `*/*+json`, whatever its parameters.
pub(super) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.split_once('/').is_some_and(|(kind, subtype)| {
        !kind.is_empty() && !subtype.contains('/') && (subtype == "json" || subtype.ends_with("+json"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn content_types_lead_to_formats() {
        let cases = [
            ("application/json", Ok(Format::Plain)),
            ("Application/JSON ; Charset=\"UTF-8\"", Ok(Format::Plain)),
            ("application/json;charset=latin1", Err(MediaTypeError::Charset)),
            ("application/json; profile=x; charset=utf-16", Err(MediaTypeError::Charset)),
            ("application/cloudevents+json", Ok(Format::CloudEvent)),
            ("application/cloudevents+json; charset=UTF-8", Ok(Format::CloudEvent)),
            ("application/cloudevents+avro", Err(MediaTypeError::Other)),
            ("application/cloudevents-batch+json", Err(MediaTypeError::Batch)),
            ("text/json", Err(MediaTypeError::Other)),
            ("text/plain", Err(MediaTypeError::Other)),
            ("application/jsonx", Err(MediaTypeError::Other)),
            ("", Err(MediaTypeError::Other)),
        ];
        for (content_type, expected) in cases {
            assert_eq!(format_of(&headers(&[("content-type", content_type)])), expected, "{content_type:?}");
        }
    }

    #[test]
    fn a_body_needs_exactly_one_content_type_and_no_encoding() {
        let json = ("content-type", "application/json");
        assert_eq!(format_of(&headers(&[])), Err(MediaTypeError::Missing));
        assert_eq!(format_of(&headers(&[json, ("content-type", "text/plain")])), Err(MediaTypeError::Missing));
        assert_eq!(format_of(&headers(&[json, ("content-encoding", "gzip")])), Err(MediaTypeError::Encoded));
        assert_eq!(format_of(&headers(&[json, ("content-encoding", "identity")])), Ok(Format::Plain));
        assert_eq!(format_of(&headers(&[json, ("ce-specversion", "1.0")])), Err(MediaTypeError::Binary));
    }

    #[test]
    fn json_is_told_by_the_subtype() {
        for yes in ["application/json", "text/JSON; charset=x", "application/vnd.api+json"] {
            assert!(is_json(yes), "{yes}");
        }
        for no in ["", "json", "/json", "text/plain", "application/jsonl", "a/b/json"] {
            assert!(!is_json(no), "{no}");
        }
    }
}
