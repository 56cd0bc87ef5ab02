//! The CEL environment of rules: the standard one with times, and the patterns of `matches` bounded and compiled once a thread.
//! Knows nothing of names, tables or events.

use std::cell::RefCell;
use std::collections::HashMap;

use cel::common::ast::{CallExpr, Expr, IdedExpr};
use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::parser::{Macro, MacroExprHelper, ParseError};
use cel::{DeclarationError, Env, ExecutionError};
use regex::Regex;

use super::{guarded, moment};

/// What `matches` becomes; no rule can write this name itself.
pub(super) const MATCHES: &str = "@matches";
/// Longest pattern, in bytes.
pub(super) const MAX_PATTERN: usize = 256;
/// Bytes of a compiled pattern.
const MAX_COMPILED: usize = 256 * 1024;
/// Patterns that a thread remembers; a rule file has a handful.
const MAX_REMEMBERED: usize = 256;

/// The environment that rules are compiled and run in.
pub(super) fn environment() -> Result<Env, DeclarationError> {
    let mut env = Env::stdlib();
    env.add_overload(MATCHES, MATCHES, vec![STRING_TYPE, STRING_TYPE], matches)?;
    moment::declare(&mut env)?;
    guarded::declare(&mut env)?;
    env.add_macro(Macro::receiver("matches", 1, as_matches))?;
    env.add_macro(Macro::global("matches", 2, as_matches))?;
    Ok(env)
}

/// A pattern, unless it is wrong or too big.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build()
}

/// `x.matches(p)` and `matches(x, p)` are one call.
fn as_matches(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Option<IdedExpr>,
    args: &mut Vec<IdedExpr>,
) -> Result<Option<IdedExpr>, ParseError> {
    let args = target.take().into_iter().chain(args.drain(..)).collect();
    Ok(Some(helper.next_expr(Expr::Call(CallExpr { func_name: MATCHES.to_owned(), target: None, args }))))
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = |index: usize| args.get(index).and_then(|value| value.downcast_ref::<CelString>());
    let (Some(text), Some(pattern)) = (text(0), text(1)) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let found = is_match(pattern.inner(), text.inner());
    let found = found.map_err(|error| ExecutionError::function_error("matches", error))?;
    Ok(CowVal::owned(CelBool::from(found)))
}

/// Compiling costs more than matching, and the patterns are those of the rule file.
fn is_match(pattern: &str, text: &str) -> Result<bool, regex::Error> {
    thread_local!(static REMEMBERED: RefCell<HashMap<String, Regex>> = RefCell::default());
    REMEMBERED.with_borrow_mut(|remembered| {
        if let Some(regex) = remembered.get(pattern) {
            return Ok(regex.is_match(text));
        }
        let regex = compile(pattern)?;
        let found = regex.is_match(text);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(pattern.to_owned(), regex);
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cel::{Context, Value};
    use std::sync::Arc;

    #[test]
    fn both_ways_to_call_matches_do_the_same() {
        let env = Arc::new(environment().unwrap());
        for (source, expected) in [
            ("'abc'.matches('^a.c$')", Some(true)),
            ("matches('abc', 'b')", Some(true)),
            ("'abc'.matches('^b')", Some(false)),
            ("'abc'.matches('(')", None),
            ("1.matches('a')", None),
        ] {
            let program = env.compile(source);
            let value = program.ok().and_then(|program| program.execute(&Context::with_env(Arc::clone(&env))).ok());
            assert_eq!(value, expected.map(Value::Bool), "{source}");
        }
    }

    #[test]
    fn memory_for_patterns_is_bounded() {
        for n in 0..3 * MAX_REMEMBERED {
            assert!(is_match(&format!("a{n}"), &format!("a{n}")).unwrap());
        }
    }
}
