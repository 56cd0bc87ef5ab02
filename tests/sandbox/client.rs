//! A sandbox of one's own on a free port, and a verb per method.
//! Knows nothing of what is tested.

use std::net::{SocketAddr, TcpListener};

use awc::Client;
use awc::http::Method;
use serde_json::{Value, json};
use usher::sandbox::{self, Options};

/// The memberships of an organization that every sandbox starts with.
pub(crate) const ACME: &str = "/v1/organizations/org_acme/memberships";

pub(crate) struct Sandbox {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    pub(crate) key: &'static str,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) body: Value,
}

impl Sandbox {
    pub(crate) fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        actix_web::rt::spawn(sandbox::start(listener, options).unwrap());
        Self::at(address)
    }

    /// The one that listens there already.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, client: Client::default(), key: "sk_test_tests" }
    }

    pub(crate) fn plain() -> Self {
        Self::start(Options::default())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Option<Reply> {
        let request = self.client.request(method, self.url(path)).bearer_auth(self.key);
        let sent = match body {
            Some(body) => request.send_json(&body).await,
            None => request.send().await,
        };
        read(sent.ok()?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await.unwrap()
    }

    pub(crate) async fn join(&self, user: &str, role: &str) -> Reply {
        self.post(ACME, json!({ "user_id": user, "role": role })).await
    }

    /// An organization of one's own with so many seats.
    pub(crate) async fn organization(&self, seats: u64) -> String {
        let made = self.post("/v1/organizations", json!({ "name": "Own", "max_allowed_memberships": seats })).await;
        format!("/v1/organizations/{}", made.body["id"].as_str().unwrap())
    }

    /// Writes faults down and gives what is left to strike.
    pub(crate) async fn script(&self, faults: Value) -> Value {
        let reply = self.post("/sandbox/faults", faults).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    pub(crate) async fn calls(&self) -> Vec<Value> {
        self.get("/sandbox/calls").await.body.as_array().unwrap().clone()
    }

    pub(crate) async fn members(&self) -> Value {
        self.get("/sandbox/memberships").await.body
    }
}

pub(crate) async fn read(
    mut response: awc::ClientResponse<
        impl futures_util::Stream<Item = Result<actix_web::web::Bytes, awc::error::PayloadError>> + Unpin,
    >,
) -> Option<Reply> {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (retry_after, trace_id) = (header("retry-after"), header("clerk-trace-id"));
    let body = response.body().limit(64 << 20).await.ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Reply { status: response.status().as_u16(), retry_after, trace_id, body })
}

impl Reply {
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.body["errors"][0]["code"].as_str().unwrap_or_default())
    }

    pub(crate) fn error(&self, field: &str) -> &Value {
        &self.body["errors"][0][field]
    }

    /// The user ids of a list of memberships, in order.
    pub(crate) fn users(&self) -> Vec<&str> {
        let data = self.body["data"].as_array().unwrap();
        data.iter().map(|member| member["public_user_data"]["user_id"].as_str().unwrap()).collect()
    }
}
