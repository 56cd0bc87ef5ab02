//! Events to changes: pure, bounded, and explained by a trace.
//! Knows nothing of senders' ceilings, of storage or of calls.

use cel::Context;
use cel::common::types::CelList;
use jiff::Timestamp;

use super::last_wins;
use super::rule::Rule;
use super::scope::{ItemScope, Scope};
use super::site::{Site, Wanted};
use super::{Rules, World};
use crate::domain::{Action, Change, ChangeId, Event, MembershipKey, RuleFailure, Schedule};

/// Most elements of a `for_each`.
const MAX_ITEMS: usize = 1000;
/// Most bytes of metadata that one event writes, in all its memberships.
const MAX_METADATA: usize = 1 << 20;

/// What an event asks for, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// In the order of the file and of `for_each`; the scheduled end of a grant stands behind it.
    pub changes: Vec<Change>,
    /// One for each rule, in the order of the file.
    pub trace: Vec<RuleTrace>,
}

/// What one rule made of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// The rule's name.
    pub rule: String,
    /// Whether it fired.
    pub verdict: Verdict,
}

/// Whether a rule fired, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `on` is another type.
    NotThisType,
    /// `when` is false.
    WhenFalse,
    /// It fired.
    Matched {
        /// How many changes it gave, the scheduled ends of its grants included.
        changes: usize,
    },
}

/// Evaluates every rule on `event`, which was accepted at this time: `until` must end later, and a duration counts from
/// then if the event does not say when it happened.
pub fn evaluate(rules: &Rules, event: &Event, accepted_at: Timestamp) -> Result<Evaluation, RuleFailure> {
    let mut run = Run::new(&rules.world, event, accepted_at);
    let mut trace = Vec::with_capacity(rules.rules.len());
    let mut scope = None;
    for rule in &rules.rules {
        trace.push(RuleTrace { rule: rule.name.clone(), verdict: run.rule(rule, &mut scope)? });
    }
    Ok(Evaluation { changes: run.finish(), trace })
}

/// Evaluates one rule on `event`, as its tests do.
pub(super) fn evaluate_one(
    world: &World,
    rule: &Rule,
    event: &Event,
    accepted_at: Timestamp,
) -> Result<Vec<Change>, RuleFailure> {
    let mut run = Run::new(world, event, accepted_at);
    run.rule(rule, &mut None)?;
    Ok(run.finish())
}

/// One event on its way through the rules.
struct Run<'r> {
    world: &'r World,
    event: &'r Event,
    accepted_at: Timestamp,
    changes: Vec<Change>,
    /// Bytes of it so far.
    metadata: usize,
}

impl<'r> Run<'r> {
    fn new(world: &'r World, event: &'r Event, accepted_at: Timestamp) -> Self {
        Self { world, event, accepted_at, changes: Vec::new(), metadata: 0 }
    }

    /// `scope` is made for the first rule that wants it: most rules are for other types.
    fn rule(&mut self, rule: &Rule, scope: &mut Option<Scope<'r>>) -> Result<Verdict, RuleFailure> {
        if !rule.on.matches(self.event.kind.as_str()) {
            return Ok(Verdict::NotThisType);
        }
        let scope = match scope {
            Some(scope) => &*scope,
            empty => {
                let made = Scope::new(self.event, &self.world.tables);
                &*empty.insert(made.map_err(|error| fail(rule, "data", "data", &error.to_string()))?)
            }
        };
        let before = self.changes.len();
        let at = Site { rule, world: self.world, event: self.event, accepted_at: self.accepted_at };
        if !self.fire(&at, scope)? {
            return Ok(Verdict::WhenFalse);
        }
        Ok(Verdict::Matched { changes: self.changes.len() - before })
    }

    fn fire(&mut self, at: &Site<'_>, scope: &Scope<'_>) -> Result<bool, RuleFailure> {
        let context = at.context(scope);
        at.afford(scope, 1, [&at.rule.when, &at.rule.for_each].into_iter().flatten())?;
        if let Some(when) = &at.rule.when
            && !at.truth("when", when, &context)?
        {
            return Ok(false);
        }
        let Some(for_each) = &at.rule.for_each else {
            at.afford(scope, 1, at.rule.parts.expressions())?;
            self.change(at, &context)?;
            return Ok(true);
        };
        let list = at.value("for_each", for_each, &context)?;
        let items = list
            .downcast_ref::<CelList>()
            .ok_or_else(|| at.fail("for_each", for_each, format!("expected a list, got {}", list.get_type().name())))?;
        let items = items.inner();
        if items.len() > MAX_ITEMS {
            return Err(at.fail("for_each", for_each, format!("the list has more than {MAX_ITEMS} elements")));
        }
        at.afford(scope, items.len(), at.rule.parts.expressions())?;
        for item in items {
            let scope = ItemScope { outer: scope, item: &**item };
            self.change(at, &at.context(&scope))?;
        }
        Ok(true)
    }

    fn change(&mut self, at: &Site<'_>, context: &Context<'_, '_>) -> Result<(), RuleFailure> {
        let Wanted { key, action, until, metadata } = at.wanted(context)?;
        self.metadata += metadata;
        if self.metadata > MAX_METADATA {
            let message = format!("the metadata of all changes together is more than {MAX_METADATA} bytes");
            return Err(fail(at.rule, "grant.metadata", "metadata", &message));
        }
        let scheduled = until.map(|_| key.clone());
        let grant = self.push(at.rule, key, action, None);
        if let (Some(key), Some(until)) = (scheduled, until) {
            self.push(at.rule, key, Action::Revoke, Some(Schedule { grant, at: until }));
        }
        Ok(())
    }

    /// Adds a change and tells its index.
    fn push(&mut self, rule: &Rule, key: MembershipKey, action: Action, schedule: Option<Schedule>) -> u32 {
        let index = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        self.changes.push(Change {
            id: ChangeId { event: self.event.id, index },
            rule: rule.name.clone(),
            rules_digest: self.world.digest,
            key,
            action,
            schedule,
            superseded_by: None,
        });
        index
    }

    fn finish(mut self) -> Vec<Change> {
        if self.changes.len() > 1 {
            last_wins::mark(&mut self.changes);
        }
        self.changes
    }
}

fn fail(rule: &Rule, part: &str, expression: &str, message: &str) -> RuleFailure {
    RuleFailure {
        rule: rule.name.clone(),
        part: part.to_owned(),
        expression: expression.to_owned(),
        message: message.to_owned(),
    }
}
