//! A group of entries and those who wait for them: written together, answered each when all of its own are known.
//! Knows no SQL.

use std::mem;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::ready::Ready;
use super::statement;
use crate::ledger::error::LedgerError;
use crate::ledger::postgres::alone::is_of_the_data;
use crate::ledger::postgres::apart::apart;
use crate::ledger::postgres::error::Failure;
use crate::ledger::postgres::recall::{self, Look, Told};
use crate::ledger::postgres::thread::{Core, Recording};
use crate::ledger::types::Recorded;

/// How often an entry is tried that is neither taken nor found: its event is purged just then, or a key of it.
const ROUNDS: usize = 8;

type Answer = oneshot::Sender<Result<Vec<Recorded>, LedgerError>>;

#[derive(Default)]
pub(super) struct Group {
    units: Vec<Unit>,
    /// What is to be written, in the order of arrival.
    entries: Vec<Waiting>,
    /// What was there already, or could not be written because of what was.
    seen: Vec<Waiting>,
    /// One of it cannot be written, so that each caller has to be tried alone.
    spoilt: bool,
}

/// Somebody who asked, and what is known so far; the answer goes when all is.
struct Unit {
    answer: Option<Answer>,
    results: Vec<Option<Recorded>>,
}

struct Waiting {
    unit: usize,
    place: usize,
    ready: Ready,
}

/// Writes it. What is left of it needs a closer look.
pub(super) async fn write(core: Rc<Core>, mut group: Group) -> Option<Group> {
    match group.round(&core).await {
        Ok(()) => (!group.is_done()).then_some(group),
        Err(failure) if is_of_the_data(&failure) && group.units.len() > 1 => {
            group.spoilt = true;
            Some(group)
        }
        Err(failure) => {
            group.fail(&core, failure);
            None
        }
    }
}

/// Finds out what became of the rest, and answers.
pub(super) async fn finish(core: Rc<Core>, group: Group) {
    for mut group in if group.spoilt { group.divide() } else { vec![group] } {
        if let Err(failure) = group.settle(&core).await {
            group.fail(&core, failure);
        }
    }
}

impl Group {
    pub(super) fn of(asked: Vec<Recording>) -> Self {
        let mut group = Self::default();
        for Recording { question, answer } in asked {
            match question.into_iter().map(Ready::of).collect::<Result<Vec<_>, _>>() {
                Ok(entries) => group.add(answer, entries),
                Err(failure) => drop(answer.send(Err(failure.into()))),
            }
        }
        group
    }

    fn add(&mut self, answer: Answer, entries: Vec<Ready>) {
        let unit = self.units.len();
        let results = entries.iter().map(|_| None).collect();
        self.units.push(Unit { answer: Some(answer), results });
        let waiting = (0..).zip(entries).map(|(place, ready)| Waiting { unit, place, ready });
        self.entries.extend(waiting);
    }

    fn is_done(&self) -> bool {
        self.entries.is_empty() && self.seen.is_empty()
    }

    /// Writes those that share no name, and answers whoever waits for nothing else.
    async fn round(&mut self, core: &Core) -> Result<(), Failure> {
        let (now, later) = apart(mem::take(&mut self.entries), |waiting| &waiting.ready.sighting);
        let began = Instant::now();
        let written = match now.is_empty() {
            true => Ok(Vec::new()),
            false => statement::write(core, &now.iter().map(|waiting| &waiting.ready).collect::<Vec<_>>()).await,
        };
        let new = match written {
            Ok(new) => new,
            Err(failure) => {
                self.entries = now;
                self.entries.extend(later);
                return Err(failure);
            }
        };
        (core.observe)(began.elapsed(), now.len());
        core.bout.works();
        self.entries = later;
        self.note(core, now, &new);
        Ok(())
    }

    fn note(&mut self, core: &Core, written: Vec<Waiting>, new: &[bool]) {
        let mut due = false;
        for (waiting, new) in written.into_iter().zip(new) {
            if *new {
                due |= waiting.ready.is_due();
                self.know(waiting.unit, waiting.place, Recorded::New(waiting.ready.into_record()));
            } else {
                self.seen.push(waiting);
            }
        }
        if due {
            core.notices.due();
        }
        self.answer();
    }

    /// Looks at those that are not new, and writes those that nothing is there of after all.
    async fn settle(&mut self, core: &Core) -> Result<(), Failure> {
        let began = Instant::now();
        for _ in 0..ROUNDS {
            self.look(core).await?;
            if self.is_done() {
                return Ok(());
            }
            self.round(core).await?;
        }
        self.look(core).await?;
        if self.is_done() { Ok(()) } else { Err(Failure::Slow(began.elapsed())) }
    }

    async fn look(&mut self, core: &Core) -> Result<(), Failure> {
        let seen = mem::take(&mut self.seen);
        let look =
            |waiting: &Waiting| Look { sighting: waiting.ready.sighting.clone(), receipt: Some(waiting.ready.receipt) };
        let told = recall::look(core, &seen.iter().map(look).collect::<Vec<_>>()).await?;
        let mut again = Vec::new();
        for (waiting, told) in seen.into_iter().zip(told) {
            let (unit, place) = (waiting.unit, waiting.place);
            match told {
                Told::Nothing => again.push(waiting),
                Told::Own => self.know(unit, place, Recorded::New(waiting.ready.into_record())),
                Told::Earlier(recorded) => self.know(unit, place, *recorded),
            }
        }
        self.entries.splice(0..0, again);
        self.answer();
        Ok(())
    }

    fn know(&mut self, unit: usize, place: usize, recorded: Recorded) {
        if let Some(result) = self.units.get_mut(unit).and_then(|unit| unit.results.get_mut(place)) {
            *result = Some(recorded);
        }
    }

    /// Answers those of whom everything is known.
    fn answer(&mut self) {
        for unit in self.units.iter_mut().filter(|unit| unit.results.iter().all(Option::is_some)) {
            let Some(answer) = unit.answer.take() else { continue };
            // Whoever asked may have gone away; what is written stays written.
            let _ = answer.send(Ok(mem::take(&mut unit.results).into_iter().flatten().collect()));
        }
    }

    fn fail(&mut self, core: &Core, failure: Failure) {
        core.bout.failed(&failure);
        let error = LedgerError::from(failure);
        for answer in self.units.iter_mut().filter_map(|unit| unit.answer.take()) {
            let _ = answer.send(Err(error.clone()));
        }
    }

    /// Each caller alone.
    fn divide(self) -> Vec<Self> {
        let mut groups: Vec<Self> =
            self.units.into_iter().map(|unit| Self { units: vec![unit], ..Self::default() }).collect();
        for mut waiting in self.entries {
            let unit = mem::take(&mut waiting.unit);
            if let Some(group) = groups.get_mut(unit) {
                group.entries.push(waiting);
            }
        }
        groups
    }
}
