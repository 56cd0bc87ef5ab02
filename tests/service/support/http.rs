//! HTTP against one address, with an assertion for problem documents.

use std::time::Duration;

use serde_json::Value;

use super::{TOKEN, eventually};

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Asserts a problem of this status and kind (the end of its type), and gives its detail.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        let problem_type = self.body["type"].as_str().unwrap();
        assert!(problem_type.ends_with(&format!(":{kind}")), "{}", self.body);
        self.body["detail"].as_str().unwrap_or_default().to_owned()
    }
}

/// HTTP against one base address; errors of transport are `Err`, whatever the status.
#[derive(Clone)]
pub struct Http {
    pub base: String,
    agent: ureq::Agent,
}

impl Http {
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self { base: base.to_owned(), agent: config.into() }
    }

    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap())?;
        let text = response.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_request(method, path, headers, body).unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.get_as(TOKEN, path)
    }

    #[track_caller]
    pub fn get_as(&self, token: &str, path: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        self.request("GET", path, &[("authorization", &authorization)], b"")
    }

    /// Waits until the event has its end.
    pub fn settled_as(&self, token: &str, location: &str) -> Value {
        eventually("the end of an event", || {
            let answer = self.get_as(token, location);
            (answer.body["status"] != "pending").then_some(answer.body)
        })
    }

    pub fn try_post_as(&self, token: &str, event: &Value) -> Result<Answer, ureq::Error> {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.try_request("POST", "/v1/events", &headers, event.to_string().as_bytes())
    }

    #[track_caller]
    pub fn post(&self, event: &Value) -> Answer {
        self.try_post_as(TOKEN, event).unwrap()
    }

    #[track_caller]
    pub fn post_as(&self, token: &str, event: &Value) -> Answer {
        self.try_post_as(token, event).unwrap()
    }
}
