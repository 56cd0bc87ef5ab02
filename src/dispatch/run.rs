//! The loop: looks for due changes when there is room for their calls, and sleeps otherwise.
//! Knows nothing of what a step does.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::time;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::bapi::Client;
use crate::domain::EventId;
use crate::ledger::{Claim, Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::wake::{Outcomes, Wake};

use super::Policy;
use super::context::{Context, MOMENT};
use super::errands;
use super::pace::Room;
use super::report;
use super::step::step;

/// How long to leave a ledger alone that could not say what is due.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);
/// How long the loop may stand still: whoever watches it must not take waiting for being stuck.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Lest a change that is due but cannot be claimed yet turns the loop into a spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// The dispatcher, ready to run on the thread that built its client.
pub struct Dispatcher {
    ledger: Ledger,
    client: Client,
    policy: Policy,
    wake: Wake,
    metrics: Arc<Metrics>,
    outcomes: Outcomes<EventId>,
}

impl Dispatcher {
    /// Puts the parts together; nothing is claimed yet.
    pub fn new(ledger: Ledger, client: Client, policy: Policy, wake: Wake, metrics: Arc<Metrics>) -> Self {
        Self { ledger, client, policy, wake, metrics, outcomes: Outcomes::default() }
    }

    /// Tells those who wait there of every change that ends.
    pub fn telling(self, outcomes: Outcomes<EventId>) -> Self {
        Self { outcomes, ..self }
    }

    /// Dispatches until `shutdown`, or until the ledger is gone; then ends when the calls in flight are settled.
    ///
    /// Calls `beat` at every turn of the loop, which is at least about once a second.
    pub async fn run(self, shutdown: CancellationToken, beat: impl Fn()) {
        let mut context = Context::new(self.ledger, self.client, self.policy, self.metrics, shutdown.clone());
        context.outcomes = self.outcomes;
        let (context, mut steps) = (Rc::new(context), JoinSet::new());
        let Some(heard) = errands::begin(&context, &beat).await else { return };
        let errands = actix_rt::spawn(errands::run(Rc::clone(&context), heard));
        while !shutdown.is_cancelled() {
            beat();
            let Some(pause) = fill(&context, &mut steps).await else { break };
            pause_for(pause, &mut steps, &self.wake, &shutdown).await;
        }
        while let Some(ended) = steps.join_next().await {
            reap(ended);
        }
        errands.abort();
    }
}

/// What to wait for before looking again; the end of a step always counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Nothing: there may be more.
    None,
    /// Room: for a slot, where no time is given.
    Room(Option<Instant>),
    /// Work, until a time at which some is due or it is time to look.
    Work(Instant),
}

/// Claims as much as there is room for and begins its steps; `None` when the ledger is gone.
pub(super) async fn fill(context: &Rc<Context>, steps: &mut JoinSet<()>) -> Option<Pause> {
    let now = Instant::now();
    context.measure(now);
    if context.unwritten.get() > 0 {
        // Its lease may have lapsed meanwhile: claimed again before it is written, its call would be made twice.
        return Some(Pause::Room(None));
    }
    let free = context.capacity().saturating_sub(steps.len());
    let room = context.control.borrow_mut().room(now);
    let limit = match room {
        Room::NotBefore(at) => return Some(Pause::Room(Some(at))),
        Room::Calls(calls) => free.min(calls.saturating_sub(context.queued.get())),
    };
    if context.is_hardly_worth_it(free, now) {
        return Some(Pause::Room(Some(now + MOMENT)));
    }
    if limit == 0 {
        // Without a free slot the end of a step makes room; without a token its call does, which nothing tells.
        return Some(Pause::Room((free > 0).then(|| now + SHORTEST_PAUSE)));
    }
    match context.said(context.claim(limit).await) {
        Ok(claimed) => {
            let all = claimed.claims.len() < limit;
            context.turns.replace(claimed.turns);
            claimed.finished.iter().for_each(|finished| report::finished(context, finished));
            claimed.claims.into_iter().for_each(|claim| begin(context, steps, claim, now));
            Some(if all { until_due(context).await } else { Pause::None })
        }
        Err(LedgerError::Closed) => None,
        Err(LedgerError::Full | LedgerError::Busy | LedgerError::Unavailable(_)) => {
            Some(Pause::Room(Some(now + TROUBLE_PAUSE)))
        }
    }
}

fn begin(context: &Rc<Context>, steps: &mut JoinSet<()>, claim: Claim, asked: Instant) {
    context.queued.set(context.queued.get() + 1);
    let context = Rc::clone(context);
    steps.spawn_local(async move { step(&context, claim, asked).await });
}

async fn until_due(context: &Context) -> Pause {
    let poll = context.policy.poll;
    let due_in = match context.said(context.ledger.next_due().await) {
        Ok(Some(due_at)) => Duration::try_from(due_at.duration_since(context.ledger.now())).unwrap_or_default(),
        Ok(None) | Err(_) => poll,
    };
    Pause::Work(Instant::now() + due_in.clamp(SHORTEST_PAUSE.min(poll), poll))
}

async fn pause_for(pause: Pause, steps: &mut JoinSet<()>, wake: &Wake, shutdown: &CancellationToken) {
    let longest = Instant::now() + LONGEST_PAUSE;
    let until = match pause {
        Pause::None => return,
        Pause::Room(until) => until.map_or(longest, |until| until.min(longest)),
        Pause::Work(until) => until,
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        // A ring makes no room. It is kept: whoever rang while the ledger was asked is heard here.
        () = wake.rung(), if matches!(pause, Pause::Work(_)) => {}
        () = time::sleep_until(until.into()) => {}
        Some(ended) = steps.join_next() => reap(ended),
    }
    // Those that ended together make room together: one claim for all of them.
    while let Some(ended) = steps.try_join_next() {
        reap(ended);
    }
}

fn reap(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a step broke off; its lease will lapse");
    }
}
