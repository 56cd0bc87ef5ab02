//! The fake instance behind one lock: numbers each call, draws its fault, carries it out and records it in one step.
//! Knows no sockets and reads no clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::call::{Answer, Call, Done};
use super::errors::Refusal;
use super::faults::Fault;
use super::options::Options;
use super::rate_limit::{Window, allow};
use super::recorder::{Fate, Recorder};
use super::script::{End, Script};
use super::store::{Limits, Store};
use super::switches::{Key, Outage, Switches};
use super::{routes, seeds};

/// The dated versions that Clerk has published; a call without one gets the newest.
const API_VERSIONS: [&str; 6] = ["2021-02-05", "2024-10-01", "2025-03-12", "2025-04-10", "2025-11-10", "2026-05-12"];

/// What the caller gets to see, and how long after.
#[derive(Debug)]
pub(super) struct Verdict {
    /// `None` for the end of the connection, without a byte.
    pub(super) answer: Option<Answer>,
    pub(super) latency: Duration,
}

/// A Clerk instance of our own.
pub(super) struct Instance {
    options: Options,
    state: Mutex<State>,
}

/// Everything that a reset takes back.
pub(super) struct State {
    calls: u64,
    window: Window,
    pub(super) key: Key,
    pub(super) store: Store,
    pub(super) script: Script,
    pub(super) recorder: Recorder,
}

/// What befalls a call: the fault, whether it is carried out all the same, how it ends, and how much later.
struct Lot {
    fault: Option<Fault>,
    carry_out: bool,
    end: End,
    latency: Duration,
}

impl Lot {
    fn new(fault: impl Into<Option<Fault>>, carry_out: bool, end: End) -> Self {
        Self { fault: fault.into(), carry_out, end, latency: Duration::ZERO }
    }
}

impl State {
    fn new(options: &Options, now: i64) -> Self {
        let limits = Limits { membership_changes: options.role_change_limit, invitations: options.invitation_limit };
        let mut store = Store::new(options.seed, limits, Switches::new(options.terse_errors), now);
        seeds::sow(&mut store, now);
        Self {
            calls: 0,
            window: Window::default(),
            key: first_key(options),
            store,
            script: Script::default(),
            recorder: Recorder::default(),
        }
    }
}

/// The key that opens a sandbox until somebody changes it.
pub(super) fn first_key(options: &Options) -> Key {
    options.secret_key.clone().map_or(Key::AnyTest, Key::Only)
}

impl Instance {
    pub(super) fn new(options: Options, now: i64) -> Self {
        let state = Mutex::new(State::new(&options, now));
        Self { options, state }
    }

    /// Everything that happens to a call except the wait for its answer.
    pub(super) fn take(&self, call: Call, now: i64) -> Verdict {
        let mut state = self.lock();
        state.calls += 1;
        let (number, terse) = (state.calls, state.store.switches.terse_errors);
        let trace_id = self.trace_id(number);
        let Lot { fault, carry_out, end, latency } = self.draw(&mut state, &call, &trace_id);
        let result = if carry_out { self.carry_out(&mut state, &call, now) } else { Err(Refusal::Unexpected) };
        let effect = matches!(result, Ok(Done::Changed(_)));
        let limited = matches!(result, Err(Refusal::TooManyRequests { .. })).then_some(Fault::RateLimited);
        let answer = match end {
            End::Own => Some(Answer::new(result, &trace_id, terse)),
            End::Answer(answer) => Some(answer),
            End::Cut => None,
        };
        let status = answer.as_ref().map(|answer| answer.status);
        state.recorder.record(number, now, call, Fate { status, fault: fault.or(limited), effect });
        Verdict { answer, latency: self.options.latency + latency }
    }

    /// An outage goes before what is written down, and that before what the seed decides.
    fn draw(&self, state: &mut State, call: &Call, trace_id: &str) -> Lot {
        let refused = |refusal: Refusal| End::Answer(Answer::refused(&refusal, trace_id, false));
        match state.store.switches.outage {
            Some(Outage::Cut) => return Lot::new(Fault::Outage, false, End::Cut),
            Some(Outage::Unavailable) => return Lot::new(Fault::Outage, false, refused(Refusal::Unavailable)),
            None => {}
        }
        if let Some(strike) = state.script.strike(call, trace_id) {
            let lot = Lot::new(Fault::Scripted, strike.carry_out, strike.end);
            return Lot { latency: strike.latency, ..lot };
        }
        match self.options.faults.strike(self.options.seed, state.calls) {
            Some(Fault::DropBefore) => Lot::new(Fault::DropBefore, false, End::Cut),
            Some(Fault::DropAfter) => Lot::new(Fault::DropAfter, true, End::Cut),
            Some(fault) => Lot::new(fault, false, refused(Refusal::Unexpected)),
            None => Lot::new(None, true, End::Own),
        }
    }

    fn carry_out(&self, state: &mut State, call: &Call, now: i64) -> Result<Done, Refusal> {
        authenticate(&state.key, call.authorization.as_deref())?;
        check_version(call)?;
        allow(&mut state.window, self.options.rate_limit, now)?;
        routes::route(&mut state.store, call, now)
    }

    /// Repeatable like everything else: two numbers from the seed and the call's own.
    fn trace_id(&self, number: u64) -> String {
        let mut lots = fastrand::Rng::with_seed(self.options.seed.rotate_left(32) ^ number);
        format!("{:016x}{:016x}", lots.u64(..), lots.u64(..))
    }

    /// Looks at the state, or changes it, between two calls.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.lock())
    }

    /// Lets in again whoever was let in at the start.
    pub(super) fn restore_key(&self) {
        self.lock().key = first_key(&self.options);
    }

    /// Back to the seeds; the first call afterwards is number 1 again.
    pub(super) fn reset(&self, now: i64) {
        *self.lock() = State::new(&self.options, now);
    }

    /// A panic of another worker in the middle of a call leaves a store that is still good for tests.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn authenticate(key: &Key, authorization: Option<&str>) -> Result<(), Refusal> {
    let given = authorization.and_then(|header| header.strip_prefix("Bearer ")).ok_or(Refusal::AuthorizationFormat)?;
    if key.opens(given) { Ok(()) } else { Err(Refusal::SecretKey) }
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
