//! Events to changes: pure, bounded, and explained by a trace.
//! Knows nothing of senders' ceilings, of storage or of calls.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use cel::common::types::{CelBool, CelList};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Value};

use super::expression::Expression;
use super::failure;
use super::parts::Effect;
use super::rule::Rule;
use super::scope::{ItemScope, Scope, as_text};
use super::{Rules, World};
use crate::domain::{
    Action, Change, ChangeId, Event, Existing, Grant, MembershipKey, OrganizationId, ParseError, Role, RuleFailure,
    UserId,
};

/// Most elements of a `for_each`.
const MAX_ITEMS: usize = 1000;

/// What an event asks for, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// In the order of the file and of `for_each`.
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
        /// How many changes it gave.
        changes: usize,
    },
}

/// Evaluates every rule on `event`.
pub fn evaluate(rules: &Rules, event: &Event) -> Result<Evaluation, RuleFailure> {
    let mut run = Run::new(&rules.world, event);
    let mut trace = Vec::with_capacity(rules.rules.len());
    let mut scope = None;
    for rule in &rules.rules {
        trace.push(RuleTrace { rule: rule.name.clone(), verdict: run.rule(rule, &mut scope)? });
    }
    Ok(Evaluation { changes: run.finish(), trace })
}

/// Evaluates one rule on `event`, as its tests do.
pub(super) fn evaluate_one(world: &World, rule: &Rule, event: &Event) -> Result<Vec<Change>, RuleFailure> {
    let mut run = Run::new(world, event);
    run.rule(rule, &mut None)?;
    Ok(run.finish())
}

/// One event on its way through the rules.
struct Run<'r> {
    world: &'r World,
    event: &'r Event,
    changes: Vec<Change>,
}

impl<'r> Run<'r> {
    fn new(world: &'r World, event: &'r Event) -> Self {
        Self { world, event, changes: Vec::new() }
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
        let at = Site { rule, world: self.world };
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
        let key = MembershipKey {
            organization: at.id::<OrganizationId>("organization", &at.rule.parts.organization, context)?.into(),
            user: at.id::<UserId>("user", &at.rule.parts.user, context)?.into(),
        };
        let action = match &at.rule.parts.effect {
            Effect::Revoke => Action::Revoke,
            Effect::Grant { role, existing } => self.grant(at, role, *existing, context)?,
        };
        let index = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        self.changes.push(Change {
            id: ChangeId { event: self.event.id, index },
            rule: at.rule.name.clone(),
            rules_digest: self.world.digest,
            key,
            action,
            schedule: None,
            superseded_by: None,
        });
        Ok(())
    }

    fn grant(
        &self,
        at: &Site<'_>,
        role: &Expression,
        existing: Existing,
        context: &Context<'_, '_>,
    ) -> Result<Action, RuleFailure> {
        let wanted = at.id::<Role>("role", role, context)?;
        let rank = self.world.roles.iter().position(|known| *known == wanted);
        let rank = rank.ok_or_else(|| at.fail("grant.role", role, "expected one of `roles:`".to_owned()))?;
        let lower = self.world.roles[..rank].to_vec();
        Ok(Action::Grant(Grant::new(wanted, existing, lower)))
    }

    /// Of the changes of one membership only the last is to be made.
    fn finish(mut self) -> Vec<Change> {
        if self.changes.len() > 1 {
            let mut last: HashMap<MembershipKey, ChangeId> = HashMap::with_capacity(self.changes.len());
            for change in self.changes.iter_mut().rev() {
                change.superseded_by = last.get(&change.key).copied();
                if change.superseded_by.is_none() {
                    last.insert(change.key.clone(), change.id);
                }
            }
        }
        self.changes
    }
}

/// A rule at work: runs its parts and names them when they fail.
struct Site<'r> {
    rule: &'r Rule,
    world: &'r World,
}

impl Site<'_> {
    fn context<'v>(&self, names: &'v dyn VariableResolver) -> Context<'v, 'v> {
        let mut context = Context::with_env(Arc::clone(&self.world.env));
        context.set_variable_resolver(names);
        context
    }

    fn value<'e, 'v>(
        &self,
        part: &str,
        expression: &'e Expression,
        context: &'e Context<'_, 'v>,
    ) -> Result<CowVal<'e, 'v>, RuleFailure> {
        Value::resolve_val(expression.tree(), context)
            .map_err(|error| self.fail(part, expression, failure::describe(&error, &expression.source)))
    }

    fn truth(&self, part: &str, expression: &Expression, context: &Context<'_, '_>) -> Result<bool, RuleFailure> {
        let value = self.value(part, expression, context)?;
        value.downcast_ref::<CelBool>().map(|truth| *truth.inner()).ok_or_else(|| {
            self.fail(part, expression, format!("expected true or false, got {}", value.get_type().name()))
        })
    }

    fn id<Id: FromStr<Err = ParseError>>(
        &self,
        key: &str,
        expression: &Expression,
        context: &Context<'_, '_>,
    ) -> Result<Id, RuleFailure> {
        let part = || format!("{}.{key}", self.rule.parts.effect.key());
        let value = self.value(&part(), expression, context)?;
        let Some(text) = as_text(&value) else {
            return Err(self.fail(&part(), expression, format!("expected a text, got {}", value.get_type().name())));
        };
        text.parse().map_err(|error: ParseError| self.fail(&part(), expression, error.to_string()))
    }

    /// Loops cost what the event makes them cost, and so does `for_each`.
    fn afford<'e>(
        &self,
        scope: &Scope<'_>,
        times: usize,
        mut expressions: impl Iterator<Item = &'e Expression>,
    ) -> Result<(), RuleFailure> {
        match expressions.find(|expression| !expression.cost.is_affordable(scope.extent, times)) {
            Some(costly) => Err(self.fail(
                "data",
                costly,
                "the data is too large to go through so often; smaller events may pass".to_owned(),
            )),
            None => Ok(()),
        }
    }

    fn fail(&self, part: &str, expression: &Expression, message: String) -> RuleFailure {
        fail(self.rule, part, &expression.source, &message)
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
