//! A rule at work on one event: runs its expressions, reads what they give, and names them when they fail.
//! Knows nothing of which rules fire, nor of what other changes there are.

use std::sync::Arc;

use cel::common::types::CelBool;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Value};
use jiff::{SignedDuration, Timestamp};

use super::World;
use super::cost::Cost;
use super::expression::Expression;
use super::failure;
use super::metadata::{Filling, MAX_BYTES};
use super::moment::Moment;
use super::named::{Named, Way};
use super::parts::{Effect, Granting};
use super::rule::Rule;
use super::scope::{Scope, as_text};
use super::values::NotJson;
use crate::domain::{Action, Event, Grant, MembershipKey, Metadata, ParseError, Role, RuleFailure};

/// What a rule is run with.
pub(super) struct Site<'r> {
    pub(super) rule: &'r Rule,
    pub(super) world: &'r World,
    pub(super) event: &'r Event,
    pub(super) accepted_at: Timestamp,
}

/// What a rule says about one membership.
pub(super) struct Wanted {
    pub(super) key: MembershipKey,
    pub(super) action: Action,
    /// When a grant ends by itself.
    pub(super) until: Option<Timestamp>,
    /// Bytes of metadata.
    pub(super) metadata: usize,
}

impl Site<'_> {
    pub(super) fn context<'v>(&self, names: &'v dyn VariableResolver) -> Context<'v, 'v> {
        let mut context = Context::with_env(Arc::clone(&self.world.env));
        context.set_variable_resolver(names);
        context
    }

    /// Runs everything under `grant` or `revoke`.
    pub(super) fn wanted(&self, context: &Context<'_, '_>) -> Result<Wanted, RuleFailure> {
        let parts = &self.rule.parts;
        let key = MembershipKey {
            organization: self.named(&parts.organization, context)?,
            user: self.named(&parts.user, context)?,
        };
        let Effect::Grant(granting) = &parts.effect else {
            return Ok(Wanted { key, action: Action::Revoke, until: None, metadata: 0 });
        };
        let (role, lower) = self.role(&granting.role, context)?;
        let until = granting.until.as_ref().map(|until| self.until(until, context)).transpose()?;
        let (metadata, size) = self.metadata(granting, context)?;
        let missing_user = granting.missing_user;
        let grant = Grant { missing_user, metadata, ..Grant::new(role, granting.existing, lower) };
        Ok(Wanted { key, action: Action::Grant(grant), until, metadata: size })
    }

    fn named<W: Way>(&self, named: &Named<W>, context: &Context<'_, '_>) -> Result<W::Named, RuleFailure> {
        self.text(named.way.part(), &named.expression, context, |text| named.way.parse(text))
    }

    /// The role, and those below it.
    fn role(&self, role: &Expression, context: &Context<'_, '_>) -> Result<(Role, Vec<Role>), RuleFailure> {
        let wanted: Role = self.text("role", role, context, str::parse)?;
        let rank = self.world.roles.iter().position(|known| *known == wanted);
        let rank = rank.ok_or_else(|| self.fail("grant.role", role, "expected one of `roles:`".to_owned()))?;
        Ok((wanted, self.world.roles[..rank].to_vec()))
    }

    /// A duration counts from the time of the event, so that it does not matter how long the event was on its way.
    fn until(&self, until: &Expression, context: &Context<'_, '_>) -> Result<Timestamp, RuleFailure> {
        const PART: &str = "grant.until";
        let fail = |message: &str| self.fail(PART, until, message.to_owned());
        let value = self.value(PART, until, context)?;
        let end = match Moment::of(&*value) {
            Some(Moment::At(time)) => time,
            Some(Moment::For(length)) if length <= SignedDuration::ZERO => {
                return Err(fail("a duration that is not longer than nothing"));
            }
            Some(Moment::For(length)) => {
                let begin = self.event.time.unwrap_or(self.accepted_at);
                begin.checked_add(length).ok().ok_or_else(|| fail("a time that is too far away"))?
            }
            None if as_text(&value).is_some() => return Err(fail("expected a time or a duration")),
            None => return Err(fail(&format!("expected a time or a duration, got {}", value.get_type().name()))),
        };
        // Every ledger keeps milliseconds.
        let end = Timestamp::from_millisecond(end.as_millisecond()).unwrap_or(end);
        if end <= self.accepted_at {
            return Err(fail("this time is over: the membership would end before it begins"));
        }
        Ok(end)
    }

    fn metadata(&self, granting: &Granting, context: &Context<'_, '_>) -> Result<(Metadata, usize), RuleFailure> {
        if granting.metadata.is_empty() {
            return Ok((Metadata::default(), 0));
        }
        let mut filling = Filling::new();
        for item in &granting.metadata {
            let part = format!("grant.{}", item.part());
            let value = self.value(&part, &item.expression, context)?;
            filling.add(item, &*value).map_err(|wrong| {
                let message = match wrong {
                    NotJson::TooLarge => {
                        format!("more than the {MAX_BYTES} bytes of metadata that a membership can have")
                    }
                    NotJson::Type(name) => format!("expected what JSON can hold, got {name}"),
                };
                self.fail(&part, &item.expression, message)
            })?;
        }
        let size = filling.size();
        Ok((filling.metadata, size))
    }

    pub(super) fn value<'e, 'v>(
        &self,
        part: &str,
        expression: &'e Expression,
        context: &'e Context<'_, 'v>,
    ) -> Result<CowVal<'e, 'v>, RuleFailure> {
        self.value_of(|| part.to_owned(), expression, context)
    }

    /// As [`Site::value`], of a part whose name is put together only where it is needed.
    fn value_of<'e, 'v>(
        &self,
        part: impl Fn() -> String,
        expression: &'e Expression,
        context: &'e Context<'_, 'v>,
    ) -> Result<CowVal<'e, 'v>, RuleFailure> {
        Value::resolve_val(expression.guarded(), context)
            .map_err(|error| self.fail(&part(), expression, failure::describe(&error, &expression.source)))
    }

    pub(super) fn truth(
        &self,
        part: &str,
        expression: &Expression,
        context: &Context<'_, '_>,
    ) -> Result<bool, RuleFailure> {
        let value = self.value(part, expression, context)?;
        value.downcast_ref::<CelBool>().map(|truth| *truth.inner()).ok_or_else(|| {
            self.fail(part, expression, format!("expected true or false, got {}", value.get_type().name()))
        })
    }

    /// A text of `grant` or `revoke`, read.
    fn text<T>(
        &self,
        key: &str,
        expression: &Expression,
        context: &Context<'_, '_>,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Result<T, RuleFailure> {
        let part = || format!("{}.{key}", self.rule.parts.effect.key());
        let value = self.value_of(part, expression, context)?;
        let Some(text) = as_text(&value) else {
            return Err(self.fail(&part(), expression, format!("expected a text, got {}", value.get_type().name())));
        };
        parse(text).map_err(|error| self.fail(&part(), expression, error.to_string()))
    }

    /// Loops cost what the event makes them cost, and so does `for_each`.
    pub(super) fn afford<'e>(
        &self,
        scope: &Scope<'_>,
        times: usize,
        expressions: impl Iterator<Item = &'e Expression>,
    ) -> Result<(), RuleFailure> {
        let mut total = Cost::default();
        for expression in expressions {
            total = total.plus(expression.cost);
            if !total.is_affordable(scope.extent(total), times) {
                let message = "the data is too large to go through so often; smaller events may pass";
                return Err(self.fail("data", expression, message.to_owned()));
            }
        }
        Ok(())
    }

    pub(super) fn fail(&self, part: &str, expression: &Expression, message: String) -> RuleFailure {
        RuleFailure {
            rule: self.rule.name.clone(),
            part: part.to_owned(),
            expression: expression.source.clone(),
            message,
        }
    }
}
