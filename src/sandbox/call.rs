//! One request to `/v1`, read completely, and what comes of it.
//! Knows no sockets and no store.

use serde::Serialize;

use super::errors::Refusal;

/// A request as the instance sees it.
pub(super) struct Call {
    pub(super) method: String,
    /// As sent: nothing is decoded, so an id that tries to bend the path names nothing.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) authorization: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) body: Result<Vec<u8>, Refusal>,
}

impl Call {
    /// The parts of the path after `/v1/`.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.strip_prefix("/v1/").unwrap_or_default().split('/').collect()
    }
}

/// A call that was carried out: the JSON to answer, and whether the store is another one now.
pub(super) enum Done {
    Read(Vec<u8>),
    Changed(Vec<u8>),
}

impl Done {
    pub(super) fn read(body: &impl Serialize) -> Self {
        Self::Read(json(body))
    }

    pub(super) fn changed(body: &impl Serialize) -> Self {
        Self::Changed(json(body))
    }
}

/// What is sent back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The result as Clerk would send it; terse as `Refusal::body` has it.
    pub(super) fn new(result: Result<Done, Refusal>, trace_id: &str, terse: bool) -> Self {
        match result {
            Ok(Done::Read(body) | Done::Changed(body)) => Self::json(200, body, trace_id),
            Err(refusal) => Self::refused(&refusal, trace_id, terse),
        }
    }

    pub(super) fn refused(refusal: &Refusal, trace_id: &str, terse: bool) -> Self {
        let (status, _) = refusal.status_and_code();
        let mut answer = Self::json(status, json(&refusal.body(trace_id, terse)), trace_id);
        if let Refusal::TooManyRequests { seconds } = refusal {
            answer.headers.push(("Retry-After".to_owned(), seconds.to_string()));
        }
        answer
    }

    fn json(status: u16, body: Vec<u8>, trace_id: &str) -> Self {
        let headers = [("Content-Type", "application/json"), ("Clerk-Trace-Id", trace_id)];
        Self { status, headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), body }
    }
}

/// Text-keyed maps of plain values: writing them cannot fail.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
