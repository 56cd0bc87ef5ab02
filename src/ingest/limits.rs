//! All that bounds how much is taken in at once, in one place: memory, the ledger's queue, the backlog, each sender's rate.
//! Knows nothing of requests, nor of how a refusal is answered.

use std::time::Instant;

use super::admission::{Admission, Backlog, Permit};
use super::rate::Rates;
use super::refusal::Overload;
use crate::ledger::Ledger;
use crate::rules::Sender;

/// What is in the house and what may come in; clones share it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The memory that bodies may take.
    pub admission: Admission,
    /// How many changes may be unfinished.
    pub backlog: Backlog,
    /// How fast each sender may send.
    pub rates: Rates,
}

impl Limits {
    /// For these senders, with nothing in the house yet.
    pub fn new(body_limit: usize, backlog_limit: u64, senders: &[Sender]) -> Self {
        let rates = senders.iter().map(|sender| (sender.name.clone(), sender.rate));
        Self {
            admission: Admission::new(body_limit),
            backlog: Backlog::new(backlog_limit),
            rates: Rates::new(rates, Instant::now()),
        }
    }

    /// Takes in a body of the announced length, or says what there is too much of; asked before a byte is read.
    pub(super) fn admit(&self, announced: Option<u64>, ledger: &Ledger) -> Result<Permit, Overload> {
        match () {
            () if self.backlog.is_full() => Err(Overload::Backlog),
            () if ledger.is_behind() => Err(Overload::Ledger),
            () => self.admission.admit(announced).ok_or(Overload::Bodies),
        }
    }
}
