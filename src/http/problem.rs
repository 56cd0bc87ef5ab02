//! Errors as callers see them: problem documents (RFC 9457) that say what to do.
//! Knows nothing of what went wrong where; whoever refuses a request writes the words.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

pub use super::kind::Kind;

/// One refused request, in words for whoever sent it.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    instance: Option<String>,
    errors: Vec<Mistake>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One mistake of a request: where it is and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mistake {
    /// Where it is; written as a member of its own name, `pointer` or `header`.
    #[serde(flatten)]
    pub place: Place,
    /// What is expected there; never what was found.
    #[schema(value_type = String)]
    pub detail: Cow<'static, str>,
}

/// Where in a request a mistake is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the body: a JSON pointer in its URI fragment form.
    Pointer(String),
    /// In the header of this name.
    Header(String),
}

impl Mistake {
    /// A mistake of the body.
    pub fn at(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { place: Place::Pointer(pointer.into()), detail: detail.into() }
    }
}

impl Problem {
    /// A problem of this kind; `detail` says what to do about it.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), instance: None, errors: Vec::new(), headers: Vec::new() }
    }

    /// With the mistakes of the body.
    pub fn with_errors(mut self, errors: Vec<Mistake>) -> Self {
        self.errors = errors;
        self
    }

    /// With the path under which this occurrence can be looked up; it is the `Location` too.
    pub fn with_instance(mut self, path: String) -> Self {
        if let Ok(value) = HeaderValue::from_str(&path) {
            self.headers.push((header::LOCATION, value));
        }
        self.instance = Some(path);
        self
    }

    /// With a header that belongs to the status, such as `Allow` or `Retry-After`.
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// With the time after which it is worth another try, in whole seconds and never none.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        self
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The document as it is sent.
    pub(super) fn text(&self) -> Vec<u8> {
        // Writing strings and numbers to memory cannot fail; if it ever did, the status still says enough.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn document(&self) -> Document<'_> {
        Document {
            kind: self.kind.urn(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            instance: self.instance.as_deref(),
            errors: &self.errors,
        }
    }
}

/// The document, without its headers.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(serializer)
    }
}

/// Logs a request that was refused before it reached a handler; handlers say more.
pub(super) fn log_refused(problem: &Problem) {
    let kind = problem.kind;
    tracing::info!(
        target: "usher::refused",
        status = kind.status().as_u16(),
        problem = kind.slug(),
        reason = %problem.detail,
        "request refused"
    );
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.title(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.kind.status());
        for header in &self.headers {
            response.append_header(header.clone());
        }
        response
            .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
            .body(self.text())
    }
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// What kind of problem it is; branch on this.
    #[serde(rename = "type")]
    kind: String,
    /// The same for every problem of this kind.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What to do about it.
    detail: &'a str,
    /// Where this occurrence can be looked up.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// The mistakes of the body.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Mistake],
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;

    fn problem() -> Problem {
        let mistake = Mistake::at("#/type", "expected a string");
        let header = Mistake { place: Place::Header("ce-id".to_owned()), detail: "required, and missing".into() };
        Problem::new(Kind::RuleFailed, "Mend the rule and replay the event.")
            .with_errors(vec![mistake, header])
            .with_instance("/v1/events/1".to_owned())
            .with_retry_after(Duration::from_millis(4001))
    }

    #[test]
    fn a_problem_is_written_as_rfc_9457_has_it() {
        let body = problem().error_response().into_body().try_into_bytes().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        insta::assert_json_snapshot!(document, @r##"
        {
          "detail": "Mend the rule and replay the event.",
          "errors": [
            {
              "detail": "expected a string",
              "pointer": "#/type"
            },
            {
              "detail": "required, and missing",
              "header": "ce-id"
            }
          ],
          "instance": "/v1/events/1",
          "status": 422,
          "title": "A rule could not be evaluated on this event",
          "type": "urn:usher:problem:rule-failed"
        }
        "##);
    }

    #[test]
    fn a_problem_brings_its_headers_and_forbids_caching() {
        let response = problem().error_response();
        assert_eq!(response.status(), 422);
        let header = |name: HeaderName| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header(header::CONTENT_TYPE), Some("application/problem+json"));
        assert_eq!(header(header::CACHE_CONTROL), Some("no-store"));
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
        assert_eq!(header(header::LOCATION), Some("/v1/events/1"));
        assert_eq!(header(header::RETRY_AFTER), Some("5"));
    }

    #[test]
    fn nobody_is_told_to_come_back_at_once() {
        let problem = Problem::new(Kind::Overloaded, "Wait.").with_retry_after(Duration::ZERO);
        assert_eq!(problem.error_response().headers().get(header::RETRY_AFTER).unwrap(), "1");
    }
}
