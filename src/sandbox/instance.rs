//! The fake instance behind one lock: numbers each call, draws its fault, carries it out and records it in one step.
//! Knows no sockets and reads no clock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::call::{Answer, Call, Done, json};
use super::errors::Refusal;
use super::faults::Fault;
use super::options::Options;
use super::rate_limit::Window;
use super::recorder::{Fate, Recorder};
use super::store::Store;
use super::{routes, seeds};

/// The dated versions that Clerk has published; a call without one gets the newest.
const API_VERSIONS: [&str; 6] = ["2021-02-05", "2024-10-01", "2025-03-12", "2025-04-10", "2025-11-10", "2026-05-12"];

/// What the caller gets to see.
#[derive(Debug)]
pub(super) enum Verdict {
    Answered(Answer),
    /// The end of the connection, without a byte.
    Cut,
}

/// A Clerk instance of our own.
pub(super) struct Instance {
    options: Options,
    state: Mutex<State>,
}

struct State {
    calls: u64,
    window: Window,
    store: Store,
    recorder: Recorder,
}

/// A membership as `GET /sandbox/memberships` shows it; the role is null once it has ended.
#[derive(Serialize)]
struct ShownMembership<'a> {
    organization_id: &'a str,
    user_id: &'a str,
    role: Option<&'static str>,
    created_count: u64,
}

impl State {
    fn new(seed: u64, now: i64) -> Self {
        let mut store = Store::new(seed);
        seeds::sow(&mut store, now);
        Self { calls: 0, window: Window::default(), store, recorder: Recorder::default() }
    }
}

impl Instance {
    pub(super) fn new(options: Options, now: i64) -> Self {
        let state = Mutex::new(State::new(options.seed, now));
        Self { options, state }
    }

    /// Everything that happens to a call except the wait for its answer.
    pub(super) fn take(&self, call: Call, now: i64) -> Verdict {
        let mut state = self.lock();
        state.calls += 1;
        let number = state.calls;
        let drawn = self.options.faults.strike(self.options.seed, number);
        let result = match drawn {
            Some(Fault::Fail | Fault::DropBefore) => Err(Refusal::Unexpected),
            _ => self.carry_out(&mut state, &call, now),
        };
        let effect = matches!(result, Ok(Done::Changed(_)));
        let limited = matches!(result, Err(Refusal::TooManyRequests { .. })).then_some(Fault::RateLimited);
        let verdict = match drawn {
            Some(Fault::DropBefore | Fault::DropAfter) => Verdict::Cut,
            _ => Verdict::Answered(Answer::new(result, self.trace_id(number))),
        };
        let fate = Fate { status: verdict.status(), fault: drawn.or(limited), effect };
        state.recorder.record(number, now, call, fate);
        verdict
    }

    fn carry_out(&self, state: &mut State, call: &Call, now: i64) -> Result<Done, Refusal> {
        self.authenticate(call.authorization.as_deref())?;
        check_version(call)?;
        if let Some(limit) = self.options.rate_limit {
            let taken = state.window.take(limit, now);
            taken.map_err(|full| Refusal::TooManyRequests { seconds: full.seconds })?;
        }
        routes::route(&mut state.store, call, now)
    }

    fn authenticate(&self, authorization: Option<&str>) -> Result<(), Refusal> {
        let key =
            authorization.and_then(|header| header.strip_prefix("Bearer ")).ok_or(Refusal::AuthorizationFormat)?;
        let known = match &self.options.secret_key {
            Some(only) => key == only,
            None => key.strip_prefix("sk_test_").is_some_and(|secret| !secret.is_empty()),
        };
        if known { Ok(()) } else { Err(Refusal::SecretKey) }
    }

    /// Repeatable like everything else: two numbers from the seed and the call's own.
    fn trace_id(&self, number: u64) -> String {
        let mut lots = fastrand::Rng::with_seed(self.options.seed.rotate_left(32) ^ number);
        format!("{:016x}{:016x}", lots.u64(..), lots.u64(..))
    }

    /// The recorded calls after the one with this number, as JSON.
    pub(super) fn calls_since(&self, number: u64) -> Vec<u8> {
        json(&self.lock().recorder.since(number))
    }

    /// Every membership as JSON, on demand with those that have ended.
    pub(super) fn memberships(&self, with_ended: bool) -> Vec<u8> {
        let state = self.lock();
        let shown = state.store.organizations.rows().flat_map(|organization| {
            organization.creates.iter().map(|(user_id, created_count)| ShownMembership {
                organization_id: &organization.id,
                user_id,
                role: organization.members.get(user_id).map(|member| member.role.key),
                created_count: *created_count,
            })
        });
        json(&shown.filter(|membership| with_ended || membership.role.is_some()).collect::<Vec<_>>())
    }

    /// Back to the seeds; the first call afterwards is number 1 again.
    pub(super) fn reset(&self, now: i64) {
        *self.lock() = State::new(self.options.seed, now);
    }

    pub(super) fn latency(&self) -> std::time::Duration {
        self.options.latency
    }

    /// A panic of another worker in the middle of a call leaves a store that is still good for tests.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verdict {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::Cut => None,
        }
    }
}

/// One known version, said once: in the header or in the query.
fn check_version(call: &Call) -> Result<(), Refusal> {
    let in_query = call.query.split('&').find_map(|pair| pair.strip_prefix("__clerk_api_version="));
    match (call.api_version.as_deref(), in_query) {
        (Some(_), Some(_)) => Err(Refusal::ApiVersion("it was given both in the header and in the query")),
        (Some(version), None) | (None, Some(version)) if !API_VERSIONS.contains(&version) => {
            Err(Refusal::ApiVersion("there is no such version"))
        }
        _ => Ok(()),
    }
}
