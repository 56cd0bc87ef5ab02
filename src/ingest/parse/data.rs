//! The data of an event: JSON, whether it stands in the event, in base64, or is the whole body.
//! Knows nothing of the other attributes.

use actix_web::http::header::{self, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{MAX_TEXT, ParseError};
use crate::ingest::json;
use crate::ingest::media_type::{is_json, is_media_type};
use crate::ingest::members::Members;

const ONLY_JSON: &str = "expected a JSON media type: other data is not taken";

/// The data of an event in binary mode, which is the body.
pub(super) fn of_body(body: &[u8], headers: &HeaderMap) -> Result<Value, ParseError> {
    if body.is_empty() {
        Ok(Value::Null)
    } else if headers.contains_key(header::CONTENT_TYPE) {
        Ok(json::read(body)?)
    } else {
        Err(ParseError::NoContentType)
    }
}

/// The data of an event in JSON; without any it is `null`, too.
pub(super) fn of_members(members: &mut Members) -> Value {
    let is_typed = !members.is_absent("datacontenttype");
    let content_type = members.parsed("datacontenttype", MAX_TEXT, "expected a media type", |text| {
        is_media_type(text).then(|| is_json(text))
    });
    let data = members.take("data");
    let bytes = members.take("data_base64").filter(|bytes| !bytes.is_null());
    if content_type == Some(false) && (data.is_some() || bytes.is_some()) {
        members.blame("datacontenttype", ONLY_JSON);
    }
    match (data, bytes) {
        (Some(_), Some(_)) => members.blame("data_base64", "expected either data or data_base64, not both"),
        (Some(data), None) => return data,
        (None, Some(_)) if !is_typed => {
            let help = "expected a datacontenttype that says JSON beside it, or the JSON itself in data";
            members.blame("data_base64", help);
        }
        (None, Some(bytes)) if content_type == Some(true) => return of_base64(members, &bytes),
        _ => {}
    }
    Value::Null
}

fn of_base64(members: &mut Members, bytes: &Value) -> Value {
    let decoded = bytes.as_str().and_then(|text| STANDARD.decode(text).ok());
    let Some(decoded) = decoded else {
        members.blame("data_base64", "expected base64 with its padding, in the standard alphabet");
        return Value::Null;
    };
    json::read(&decoded).unwrap_or_else(|error| {
        members.blame("data_base64", format!("what it holds is not taken as JSON: {error}"));
        Value::Null
    })
}
