//! Replicas that share a database and a Clerk.

use serde_json::{Value, json};

use crate::postgres::{Cluster, Database};
use crate::support::*;

pub(crate) const ORGANIZATION: &str = "org_acme";

const MORE_RULES: &str = "
  - name: member removed
    on: member.removed
    revoke: { organization: data.organization_id, user: data.user_id }
  - name: members removed
    on: member.purged
    for_each: data.users
    revoke: { organization: data.organization_id, user: item }
";

/// What all replicas have in common; it lives longer than they do.
pub(crate) struct Fleet {
    pub(crate) sandbox: Sandbox,
    pub(crate) setup: Setup,
    pub(crate) database: Database,
}

impl Fleet {
    pub(crate) fn new(cluster: &Cluster, sandbox: &[&str]) -> Self {
        let (sandbox, database) = (Sandbox::start(sandbox), cluster.database());
        let setup = Setup::new(&sandbox.http.base).rules(&format!("{RULES}{MORE_RULES}"));
        let setup = setup.with("USHER_LEDGER", &database.url());
        Self { sandbox, setup, database }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.setup = self.setup.with(name, value);
        self
    }

    /// The same with prepared statements.
    pub(crate) fn prepared(self) -> Self {
        let address = self.database.prepared_url();
        self.with("USHER_LEDGER", &address)
    }

    pub(crate) fn replicas<const N: usize>(&self) -> [Service; N] {
        std::array::from_fn(|_| self.setup.start())
    }

    /// As a replica that ends is started again until it stays: whatever it needs may not be there yet.
    pub(crate) fn start_again(&self) -> Service {
        eventually("a replica that starts", || Service::try_spawn(&mut self.setup.serve()).ok())
    }

    /// Users that exist, although the sandbox may fail some of the calls.
    pub(crate) fn users(&self, count: usize) -> Vec<String> {
        (0..count).map(|number| eventually("a user", || self.user(&format!("replicas{number}")))).collect()
    }

    fn user(&self, name: &str) -> Option<String> {
        let body = json!({"email_address": [format!("{name}@example.com")], "external_id": name});
        let _ = self.sandbox.bapi("POST", "/v1/users", &body);
        let found = self.sandbox.bapi("GET", &format!("/v1/users?external_id={name}"), &Value::Null).ok()?;
        found.body[0]["id"].as_str().map(str::to_owned)
    }

    /// The calls about memberships, the oldest first.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.sandbox.http.get("/sandbox/calls?path=*memberships*").body.as_array().unwrap().clone()
    }

    /// How many of these calls were answered so.
    pub(crate) fn answered(&self, status: u16) -> u64 {
        let path = format!("/sandbox/calls?path=*memberships*&status={status}&count=1");
        self.sandbox.http.get(&path).body["count"].as_u64().unwrap()
    }

    /// The most calls in any ten seconds.
    pub(crate) fn busiest(&self) -> u64 {
        let counted = self.sandbox.http.get("/sandbox/calls?path=*memberships*&count=1&window_ms=10000").body;
        counted["busiest"]["calls"].as_u64().unwrap()
    }
}

pub(crate) fn removal(id: &str, user: &str) -> Value {
    json!({"id": id, "type": "member.removed", "data": {"organization_id": ORGANIZATION, "user_id": user}})
}

/// Revokes of so many users who do not exist: each costs one call.
pub(crate) fn purge(id: &str, users: usize) -> Value {
    let users: Vec<_> = (0..users).map(|user| format!("user_{id}n{user}")).collect();
    json!({"id": id, "type": "member.purged", "data": {"organization_id": ORGANIZATION, "users": users}})
}
