//! Takes slices of what all replicas share, tells them what this one learns of Clerk, and hears what they tell.
//! Knows nothing of what follows from it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_rt::time;
use tokio::sync::watch;

use super::common::Tell;
use super::context::Context;
use super::control::Errand;
use super::permits::{Permit, Permits};
use crate::ledger::{Claim, LedgerError, SliceAsk, Standing};

/// How long to leave a ledger alone that could not be asked.
const TROUBLE_PAUSE: Duration = Duration::from_millis(500);

/// How long a call goes back for that could not ask for its permit.
const NO_PERMIT_PAUSE: Duration = Duration::from_secs(1);

/// What is heard of the others.
pub(super) type Heard = watch::Receiver<()>;

/// Learns what holds for all before anything is called; `None` where the ledger is gone.
pub(super) async fn begin(context: &Context, beat: impl Fn()) -> Option<Heard> {
    loop {
        beat();
        match context.said(first_look(context).await) {
            Ok(heard) => return Some(heard),
            Err(LedgerError::Closed) => return None,
            Err(_) if context.shutdown.is_cancelled() => return None,
            Err(_) => time::sleep(TROUBLE_PAUSE).await,
        }
    }
}

async fn first_look(context: &Context) -> Result<Heard, LedgerError> {
    let heard = context.ledger.standing_heard().await?;
    let standing = context.ledger.standing().await?;
    context.heed_standing(&standing);
    Ok(heard)
}

/// Runs one errand after the other until it is dropped.
pub(super) async fn run(context: Rc<Context>, mut heard: Heard) {
    loop {
        let errand = context.control.borrow_mut().errand(Instant::now(), context.thirst.calls());
        let done = match errand {
            Errand::Tell(tell) => context.tell(tell).await,
            Errand::Slice(ask) => context.slice(ask).await,
            Errand::Wait(until) if context.pause(until, &mut heard).await => context.look().await,
            Errand::Wait(_) => Ok(()),
        };
        match context.said(done) {
            Ok(()) => {}
            Err(LedgerError::Closed) => return,
            Err(_) => time::sleep(TROUBLE_PAUSE).await,
        }
    }
}

impl Context {
    /// Takes a permit for a call, or says after what time to come again.
    pub(super) async fn permit(&self, claim: &Claim, permit: Permit, permits: &mut Permits) -> Result<(), Duration> {
        let (asked, ask) = (Instant::now(), self.control.borrow().permit(permit, claim));
        let Some(ask) = ask else { return Ok(()) };
        match self.said(self.ledger.slice(ask).await) {
            Ok(slice) if slice.tokens > 0 => {
                permits.add(permit, asked + slice.good_for);
                Ok(())
            }
            Ok(slice) => {
                let after = slice.next_in.unwrap_or(NO_PERMIT_PAUSE);
                self.control.borrow_mut().no_permit_before(permit, Instant::now() + after);
                Err(after)
            }
            Err(_) => Err(NO_PERMIT_PAUSE),
        }
    }

    async fn tell(&self, tell: Tell) -> Result<(), LedgerError> {
        match &tell {
            Tell::Closed(until) => {
                self.ledger.close_gate(until.saturating_duration_since(Instant::now())).await?;
            }
            Tell::Halted(why) => self.ledger.halt(why.clone()).await?,
            Tell::GoesOn => self.ledger.unhalt().await?,
        }
        self.control.borrow_mut().told(&tell);
        Ok(())
    }

    async fn slice(&self, ask: SliceAsk) -> Result<(), LedgerError> {
        let (asked, want) = (Instant::now(), ask.want);
        let slice = self.ledger.slice(ask).await;
        let now = Instant::now();
        match &slice {
            Ok(slice) => {
                self.heed_standing(&slice.standing);
                self.control.borrow_mut().slice(slice, want, asked, now, fastrand::f64());
            }
            Err(_) => self.control.borrow_mut().no_slice(now),
        }
        self.thirst.more();
        slice.map(|_| ())
    }

    async fn look(&self) -> Result<(), LedgerError> {
        let standing = self.ledger.standing().await?;
        self.heed_standing(&standing);
        Ok(())
    }

    /// Waits until then, or until there may be something to do; true where others have something to say.
    async fn pause(&self, until: Option<Instant>, heard: &mut Heard) -> bool {
        let until = async {
            match until {
                Some(until) => time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        let heard = async {
            match heard.changed().await {
                Ok(()) => true,
                // Nobody says anything any more.
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = heard => heard,
            () = self.thirst.errand_came() => false,
            () = until => false,
        }
    }

    /// What all know holds here too; says what is new.
    fn heed_standing(&self, standing: &Standing) {
        let now = Instant::now();
        let news = self.control.borrow_mut().heard(standing, now);
        if let Some(phase) = news.phase {
            self.say(phase, standing.halted.as_ref().map(|halted| halted.why.as_str()));
        }
        match news.paused {
            Some(true) => tracing::warn!("paused: no call is made until an operator resumes; what is accepted waits"),
            Some(false) => tracing::warn!("resumed: calls go out again"),
            None => {}
        }
        self.measure(now);
    }
}
