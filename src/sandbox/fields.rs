//! A JSON body read field by field, refused in Clerk's words.
//! Does not know which call wants which fields.

use serde_json::{Map, Value};

use super::call::Call;
use super::errors::Refusal;
use super::store::Metadata;

/// The members of a JSON object that was sent.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads the body of a call: JSON, declared as such, an object.
    pub(super) fn read(call: &Call) -> Result<Self, Refusal> {
        let body = call.body.as_ref().map_err(Refusal::clone)?;
        let declared = call.content_type.as_deref().unwrap_or_default();
        let kind = declared.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::ContentType(kind.to_owned()));
        }
        serde_json::from_slice(body).map(Self).ok().ok_or(Refusal::BodyInvalid)
    }

    /// Reads the body of a call that needs none.
    pub(super) fn read_if_any(call: &Call) -> Result<Self, Refusal> {
        if call.body.as_ref().is_ok_and(Vec::is_empty) { Ok(Self(Map::new())) } else { Self::read(call) }
    }

    /// Refuses members that the call does not know.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let unknown = self.0.keys().find(|name| !known.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| Err(Refusal::ParameterUnknown(name.clone())))
    }

    /// A text that must be there and say something.
    pub(super) fn text(&self, name: &'static str) -> Result<String, Refusal> {
        match self.0.get(name) {
            None => Err(Refusal::ParameterMissing(name)),
            Some(Value::Null) => Err(Refusal::ParameterNil(name)),
            Some(Value::String(text)) if text.is_empty() => Err(Refusal::ParameterNil(name)),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(Refusal::ParameterType { name, expected: "string" }),
        }
    }

    /// A text that may be absent, null or empty.
    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        match self.text(name) {
            Err(Refusal::ParameterMissing(_) | Refusal::ParameterNil(_)) => Ok(None),
            text => text.map(Some),
        }
    }

    /// A list of texts, empty if absent.
    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, Refusal> {
        let wrong = Refusal::ParameterType { name, expected: "array of strings" };
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or(wrong)
            }
            Some(_) => Err(wrong),
        }
    }

    /// A whole number that may be absent or null.
    pub(super) fn optional_number(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or(Refusal::ParameterType { name, expected: "integer" }),
        }
    }

    /// True or false, or absent or null.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or(Refusal::ParameterType { name, expected: "boolean" }),
        }
    }

    /// A JSON object, empty if absent or null.
    pub(super) fn metadata(&self, name: &'static str) -> Result<Metadata, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Metadata::new()),
            Some(Value::Object(metadata)) => Ok(metadata.clone()),
            Some(_) => Err(Refusal::ParameterType { name, expected: "object" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(content_type: Option<&str>, body: &str) -> Result<Fields, Refusal> {
        Fields::read(&Call {
            method: "POST".into(),
            path: "/v1/users".into(),
            query: String::new(),
            authorization: None,
            api_version: None,
            content_type: content_type.map(str::to_owned),
            body: Ok(body.as_bytes().to_vec()),
        })
    }

    #[test]
    fn a_body_is_a_json_object_declared_as_json() {
        assert!(fields(Some("application/json; charset=utf-8"), "{}").is_ok());
        for (content_type, body) in [(None, "{}"), (Some("text/plain"), "{}"), (Some("application/jsonx"), "{}")] {
            assert!(matches!(fields(content_type, body), Err(Refusal::ContentType(_))));
        }
        for body in ["", "[]", "{", "1", "{} {}"] {
            assert!(matches!(fields(Some("application/json"), body), Err(Refusal::BodyInvalid)), "{body}");
        }
    }

    #[test]
    fn fields_are_refused_for_what_is_wrong_with_them() {
        let fields = fields(Some("application/json"), r#"{"a":null,"b":"","c":1,"d":["x",1],"e":-1}"#).unwrap();
        assert_eq!(fields.text("z"), Err(Refusal::ParameterMissing("z")));
        assert_eq!(fields.text("a"), Err(Refusal::ParameterNil("a")));
        assert_eq!(fields.text("b"), Err(Refusal::ParameterNil("b")));
        assert_eq!(fields.text("c"), Err(Refusal::ParameterType { name: "c", expected: "string" }));
        assert!(fields.texts("d").is_err() && fields.optional_number("e").is_err() && fields.metadata("c").is_err());
        assert_eq!((fields.optional_text("a"), fields.optional_number("c")), (Ok(None), Ok(Some(1))));
        assert_eq!(fields.only(&["a", "b", "c", "d"]), Err(Refusal::ParameterUnknown("e".into())));
    }
}
