//! Which form a request is in, by its headers: plain JSON, or a CloudEvent in one of its three modes.
//! Knows nothing of what is inside the body.

use actix_web::http::header::{self, HeaderMap};

/// The media types that are taken besides the JSON types of binary mode, as `Accept` lists them.
pub(super) const TAKEN: &str = "application/json, application/cloudevents+json, application/cloudevents-batch+json";

/// The headers of the attributes that every event has.
const REQUIRED: [&str; 4] = ["ce-specversion", "ce-id", "ce-source", "ce-type"];

/// The forms in which events are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `application/json` with the attribute names of a CloudEvent.
    Plain,
    /// `application/cloudevents+json`: one event as one JSON object.
    Structured,
    /// The attributes are headers, the body is the data.
    Binary,
    /// `application/cloudevents-batch+json`: a JSON array of events.
    Batch,
}

/// Why a request is in no form that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MediaTypeError {
    /// No usable `Content-Type`.
    #[error("Say what the body is in one Content-Type header")]
    Missing,
    /// Something else than JSON.
    #[error("The body is in another format")]
    Other,
    /// A CloudEvent in another event format than JSON.
    #[error("Of the event formats of CloudEvents only JSON is taken")]
    EventFormat,
    /// JSON, some `ce-` headers, and not all that an event has.
    #[error(
        "For a CloudEvent in binary mode the headers ce-specversion, ce-id, ce-source and ce-type must all be there"
    )]
    Incomplete,
    /// A CloudEvent in binary mode whose data is something else than JSON.
    #[error("Of an event in binary mode only JSON data is taken, with a Content-Type that says so")]
    Data,
    /// Attributes that the signature does not cover.
    #[error("A signature covers the body and not the ce- headers: send a signed event in structured mode")]
    Unsigned,
    /// Text that is not UTF-8.
    #[error("JSON is UTF-8; no other charset is taken")]
    Charset,
    /// A compressed body.
    #[error("Compressed bodies are not taken; send the body without Content-Encoding")]
    Encoded,
}

/// The form of the request that has these headers.
pub(super) fn mode_of(headers: &HeaderMap) -> Result<Mode, MediaTypeError> {
    if headers.get_all(header::CONTENT_ENCODING).any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(MediaTypeError::Encoded);
    }
    let content_type = content_type(headers)?;
    let (essence, parameters) = content_type.map(|text| text.split_once(';').unwrap_or((text, ""))).unzip();
    let mode = match essence.map(|essence| named(essence.trim())).transpose()?.flatten() {
        Some(mode) => mode,
        None => unnamed(headers, essence)?,
    };
    if parameters.into_iter().flat_map(|text| text.split(';')).all(is_harmless) {
        Ok(mode)
    } else {
        Err(MediaTypeError::Charset)
    }
}

/// The mode of a media type that could be anybody's: it is a CloudEvent if the headers say so.
fn unnamed(headers: &HeaderMap, essence: Option<&str>) -> Result<Mode, MediaTypeError> {
    let present = REQUIRED.iter().filter(|name| headers.contains_key(**name)).count();
    let is_plain = essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    // Some of the headers over plain JSON are a CloudEvent that forgot the others: it is told which.
    if present == REQUIRED.len() || present > 0 && is_plain {
        return binary(headers, essence);
    }
    match essence {
        Some(_) if is_plain => Ok(Mode::Plain),
        Some(essence) if present > 0 && is_json(essence) => Err(MediaTypeError::Incomplete),
        Some(_) => Err(MediaTypeError::Other),
        None => Err(MediaTypeError::Missing),
    }
}

fn binary(headers: &HeaderMap, essence: Option<&str>) -> Result<Mode, MediaTypeError> {
    let signed = ["webhook-signature", "svix-signature"].iter().any(|name| headers.contains_key(*name));
    if signed && !headers.contains_key(header::AUTHORIZATION) {
        return Err(MediaTypeError::Unsigned);
    }
    if essence.is_none_or(is_json) { Ok(Mode::Binary) } else { Err(MediaTypeError::Data) }
}

/// The one `Content-Type`, if there is any.
fn content_type(headers: &HeaderMap) -> Result<Option<&str>, MediaTypeError> {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let Some(first) = types.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|_| types.next().is_none());
    text.map(Some).ok_or(MediaTypeError::Missing)
}

/// The mode that the media type itself names: all that begin so are CloudEvents, and no other.
fn named(essence: &str) -> Result<Option<Mode>, MediaTypeError> {
    for (prefix, mode) in
        [("application/cloudevents-batch", Mode::Batch), ("application/cloudevents", Mode::Structured)]
    {
        let (start, format) = essence.split_at_checked(prefix.len()).unwrap_or((essence, ""));
        if start.eq_ignore_ascii_case(prefix) {
            let is_json = format.eq_ignore_ascii_case("+json");
            return if is_json { Ok(Some(mode)) } else { Err(MediaTypeError::EventFormat) };
        }
    }
    Ok(None)
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
        is_token(kind) && is_token(subtype) && (subtype == "json" || subtype.ends_with("+json"))
    })
}

/// Whether this is a media type at all: two tokens and parameters (RFC 2046, RFC 9110).
pub(super) fn is_media_type(text: &str) -> bool {
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let named = essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    // What is in quotes may be anything, semicolons too.
    named
        && (text.contains('"')
            || parts.all(|parameter| parameter.trim().split_once('=').is_some_and(|(name, _)| is_token(name))))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    const CE: [(&str, &str); 4] = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];

    fn mode(lines: &[(&'static str, &'static str)]) -> Result<Mode, MediaTypeError> {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        mode_of(&lines.iter().map(line).collect())
    }

    fn typed(content_type: &'static str, more: &[(&'static str, &'static str)]) -> Result<Mode, MediaTypeError> {
        mode(&[&[("content-type", content_type)], more].concat())
    }

    #[test]
    fn content_types_lead_to_modes_whether_or_not_there_are_attributes_in_headers() {
        let cases = [
            ("application/cloudevents+json", Ok(Mode::Structured)),
            ("Application/CloudEvents+JSON; charset=UTF-8", Ok(Mode::Structured)),
            ("application/cloudevents-batch+json", Ok(Mode::Batch)),
            ("APPLICATION/cloudevents-BATCH+json ;charset=\"utf-8\"", Ok(Mode::Batch)),
            ("application/cloudevents", Err(MediaTypeError::EventFormat)),
            ("application/cloudevents-batch", Err(MediaTypeError::EventFormat)),
            ("application/cloudevents+avro", Err(MediaTypeError::EventFormat)),
            ("application/cloudevents+protobuf", Err(MediaTypeError::EventFormat)),
            ("application/cloudevents-batch+protobuf", Err(MediaTypeError::EventFormat)),
            ("application/cloudevents+jsonx", Err(MediaTypeError::EventFormat)),
            ("application/cloudevents+json; charset=utf-16", Err(MediaTypeError::Charset)),
        ];
        for (content_type, expected) in cases {
            assert_eq!(typed(content_type, &[]), expected, "{content_type:?}");
            assert_eq!(typed(content_type, &CE), expected, "{content_type:?}");
        }
    }

    #[test]
    fn everything_else_is_binary_with_all_attributes_in_headers_and_plain_json_without() {
        let cases = [
            ("application/json", Ok(Mode::Plain), Ok(Mode::Binary)),
            ("Application/JSON ; Charset=\"UTF-8\"", Ok(Mode::Plain), Ok(Mode::Binary)),
            ("application/json;charset=latin1", Err(MediaTypeError::Charset), Err(MediaTypeError::Charset)),
            ("application/json; profile=x; charset=utf-16", Err(MediaTypeError::Charset), Err(MediaTypeError::Charset)),
            ("text/json", Err(MediaTypeError::Other), Ok(Mode::Binary)),
            ("application/vnd.acme.plan+json; v=1", Err(MediaTypeError::Other), Ok(Mode::Binary)),
            ("text/plain", Err(MediaTypeError::Other), Err(MediaTypeError::Data)),
            ("application/avro", Err(MediaTypeError::Other), Err(MediaTypeError::Data)),
            ("application/jsonx", Err(MediaTypeError::Other), Err(MediaTypeError::Data)),
            ("", Err(MediaTypeError::Other), Err(MediaTypeError::Data)),
        ];
        for (content_type, bare, with_attributes) in cases {
            assert_eq!(typed(content_type, &[]), bare, "{content_type:?}");
            assert_eq!(typed(content_type, &CE), with_attributes, "{content_type:?}");
        }
    }

    #[test]
    fn some_attributes_in_headers_are_a_cloud_event_that_forgot_the_others() {
        assert_eq!(typed("application/json", &CE[..1]), Ok(Mode::Binary));
        assert_eq!(typed("application/vnd.x+json", &CE[..3]), Err(MediaTypeError::Incomplete));
        assert_eq!(typed("text/plain", &CE[..3]), Err(MediaTypeError::Other));
        assert_eq!(typed("application/json", &[("ce-partitionkey", "k")]), Ok(Mode::Plain));
    }

    #[test]
    fn only_an_event_without_data_may_come_without_a_content_type() {
        assert_eq!(mode(&CE), Ok(Mode::Binary));
        assert_eq!(mode(&CE[1..]), Err(MediaTypeError::Missing));
        assert_eq!(mode(&[]), Err(MediaTypeError::Missing));
    }

    #[test]
    fn a_request_has_one_content_type_at_most_and_no_encoding() {
        let json = [("content-type", "application/json")];
        assert_eq!(typed("text/plain", &json), Err(MediaTypeError::Missing));
        assert_eq!(typed("application/json", &[("content-encoding", "gzip")]), Err(MediaTypeError::Encoded));
        assert_eq!(typed("application/json", &[("content-encoding", "identity")]), Ok(Mode::Plain));
    }

    #[test]
    fn attributes_that_a_signature_does_not_cover_are_not_taken() {
        for header in ["webhook-signature", "svix-signature"] {
            let signed = [&CE[..], &[(header, "v1,x")]].concat();
            assert_eq!(typed("application/json", &signed), Err(MediaTypeError::Unsigned));
            assert_eq!(typed("application/cloudevents+json", &signed), Ok(Mode::Structured));
            let with_token = [&signed[..], &[("authorization", "Bearer x")]].concat();
            assert_eq!(typed("application/json", &with_token), Ok(Mode::Binary));
        }
    }

    #[test]
    fn json_is_told_by_the_subtype() {
        for yes in ["application/json", "text/JSON; charset=x", "application/vnd.api+json"] {
            assert!(is_json(yes) && is_media_type(yes), "{yes}");
        }
        for no in ["", "json", "/json", "text/plain", "application/jsonl", "a/b/json"] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn a_media_type_is_two_tokens_and_parameters() {
        for yes in ["text/plain", "image/svg+xml ; charset=utf-8", "a/b;c=\"d e\"", "a/b;c=\"d;e\""] {
            assert!(is_media_type(yes), "{yes}");
        }
        for no in ["", "text", "text/", "/plain", "te xt/plain", "text/plain;", "text/plain; x", "text/pl\u{e9}in"] {
            assert!(!is_media_type(no), "{no}");
        }
    }
}
