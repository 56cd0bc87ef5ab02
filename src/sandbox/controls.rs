//! The doors for tests under `/sandbox`: what came in, what there is, and how the instance is to behave from now on.
//! Speaks no Clerk, wants no key, and is not recorded.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::{Answer, Done};
use super::errors::Refusal;
use super::instance::Instance;
use super::invitations;
use super::organization::Policy;
use super::recorder::Filter;
use super::script::{Entry, Script};
use super::server::{now, reply};
use super::store::Store;
use super::switches::Key;

/// Every door and who answers there.
pub(super) fn doors(config: &mut ServiceConfig) {
    config
        .route("/sandbox/calls", web::get().to(calls))
        .route("/sandbox/statistics", web::get().to(statistics))
        .route("/sandbox/memberships", web::get().to(memberships))
        .route("/sandbox/invitations", web::get().to(all_invitations))
        .route("/sandbox/invitations/{id}/accept", web::post().to(accept))
        .route("/sandbox/invitations/{id}/expire", web::post().to(expire))
        .route("/sandbox/organizations/{id}/policy", web::get().to(policy))
        .route("/sandbox/organizations/{id}/policy", web::put().to(set_policy))
        .route("/sandbox/role_sets", web::get().to(role_sets))
        .route("/sandbox/role_sets/{key}", web::put().to(set_role_set))
        .route("/sandbox/instance", web::get().to(instance))
        .route("/sandbox/instance", web::patch().to(switch))
        .route("/sandbox/key", web::put().to(set_key))
        .route("/sandbox/key", web::delete().to(restore_key))
        .route("/sandbox/faults", web::get().to(faults))
        .route("/sandbox/faults", web::post().to(add_faults))
        .route("/sandbox/faults", web::delete().to(clear_faults))
        .route("/sandbox/reset", web::post().to(reset));
}

type Sandbox = Data<Instance>;

fn ok(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// Why a door does not do what it is asked.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Mistake {
    status: StatusCode,
    text: String,
}

impl ResponseError for Mistake {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(json!({ "error": self.text }))
    }
}

type Answered = Result<HttpResponse, Mistake>;

fn mistaken(text: impl ToString) -> Mistake {
    Mistake { status: StatusCode::BAD_REQUEST, text: text.to_string() }
}

/// The body as JSON, whatever its declared type, so that a bare `curl -d` will do.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Mistake> {
    serde_json::from_slice(body).map_err(mistaken)
}

async fn calls(filter: Query<Filter>, sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| {
        if filter.wants_count() { ok(&state.recorder.count(&filter)) } else { ok(&state.recorder.calls(&filter)) }
    })
}

async fn statistics(sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| ok(&state.recorder.statistics()))
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    ended: bool,
}

/// A membership; the role is null once it has ended.
#[derive(Serialize)]
struct ShownMembership<'a> {
    organization_id: &'a str,
    user_id: &'a str,
    role: Option<&'a str>,
    created_count: u64,
}

async fn memberships(query: Query<Which>, sandbox: Sandbox) -> HttpResponse {
    let shown = |store: &Store| {
        let memberships = store.organizations.rows().flat_map(|organization| {
            organization.creates.iter().map(|(user_id, created_count)| ShownMembership {
                organization_id: &organization.id,
                user_id,
                role: organization.members.get(user_id).map(|member| member.role.key.as_str()),
                created_count: *created_count,
            })
        });
        ok(&memberships.filter(|membership| query.ended || membership.role.is_some()).collect::<Vec<_>>())
    };
    sandbox.with(|state| shown(&state.store))
}

async fn all_invitations(sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| ok(&invitations::all(&state.store, now())))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Acceptance {
    /// Who accepts; by default the user who has the address.
    user_id: Option<String>,
}

async fn accept(id: Path<String>, body: Bytes, sandbox: Sandbox) -> Answered {
    let Acceptance { user_id } = if body.is_empty() { Acceptance::default() } else { parse(&body)? };
    Ok(carry_out(&sandbox, |store| invitations::accept(store, &id, user_id, now())))
}

async fn expire(id: Path<String>, sandbox: Sandbox) -> HttpResponse {
    carry_out(&sandbox, |store| invitations::expire(store, &id, now()))
}

/// Answers as Clerk would.
fn carry_out(sandbox: &Instance, act: impl FnOnce(&mut Store) -> Result<Done, Refusal>) -> HttpResponse {
    reply(Answer::new(sandbox.with(|state| act(&mut state.store)), "", false))
}

async fn policy(id: Path<String>, sandbox: Sandbox) -> Answered {
    with_policy(&sandbox, &id, |_| {})
}

async fn set_policy(id: Path<String>, body: Bytes, sandbox: Sandbox) -> Answered {
    let wanted = parse::<Policy>(&body)?;
    with_policy(&sandbox, &id, |policy| *policy = wanted)
}

fn with_policy(sandbox: &Instance, id: &str, change: impl FnOnce(&mut Policy)) -> Answered {
    let unknown = || Mistake { status: StatusCode::NOT_FOUND, text: format!("there is no organization {id}") };
    sandbox.with(|state| {
        let organization = state.store.organizations.get_mut(id).ok_or_else(unknown)?;
        change(&mut organization.policy);
        Ok(ok(&organization.policy))
    })
}

async fn role_sets(sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| ok(state.store.roles.sets()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleSet {
    roles: Vec<String>,
}

async fn set_role_set(key: Path<String>, body: Bytes, sandbox: Sandbox) -> Answered {
    let set = parse::<RoleSet>(&body)?;
    sandbox.with(|state| {
        state.store.roles.define_set(&key, set.roles, now());
        Ok(ok(state.store.roles.sets()))
    })
}

async fn instance(sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| ok(&state.store.switches))
}

/// What is absent stays as it is.
async fn switch(body: Bytes, sandbox: Sandbox) -> Answered {
    let changes = parse::<Map<String, Value>>(&body)?;
    sandbox.with(|state| {
        let mut switches = serde_json::to_value(&state.store.switches).map_err(mistaken)?;
        if let Some(members) = switches.as_object_mut() {
            members.extend(changes);
        }
        state.store.switches = serde_json::from_value(switches).map_err(mistaken)?;
        Ok(ok(&state.store.switches))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    secret_key: Value,
}

async fn set_key(body: Bytes, sandbox: Sandbox) -> Answered {
    let key = match parse::<NewKey>(&body)?.secret_key {
        Value::String(only) => Key::Only(only),
        Value::Null => Key::None,
        _ => return Err(mistaken("secret_key must be a text, or null: no key at all")),
    };
    sandbox.with(|state| state.key = key);
    Ok(HttpResponse::NoContent().finish())
}

async fn restore_key(sandbox: Sandbox) -> HttpResponse {
    sandbox.restore_key();
    HttpResponse::NoContent().finish()
}

async fn faults(sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| ok(&state.script.left()))
}

async fn add_faults(body: Bytes, sandbox: Sandbox) -> Answered {
    let entries = parse::<Vec<Entry>>(&body)?;
    sandbox.with(|state| {
        state.script.add(entries).map_err(mistaken)?;
        Ok(ok(&state.script.left()))
    })
}

async fn clear_faults(sandbox: Sandbox) -> HttpResponse {
    sandbox.with(|state| state.script = Script::default());
    HttpResponse::NoContent().finish()
}

async fn reset(sandbox: Sandbox) -> HttpResponse {
    sandbox.reset(now());
    HttpResponse::NoContent().finish()
}
