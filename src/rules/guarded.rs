//! Comparisons and sums as CEL has them, without the copies it makes of operands that do not fit: one may be all of the data.
//! Knows the tree of an expression and the values it meets, and nothing of events.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelOptional, CelUInt, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

/// What `==`, `!=` and `in` become, and what stands around an operand that is neither list nor map; no rule can write
/// these names itself.
const SAME: &str = "@same";
const DIFFERENT: &str = "@different";
const WITHIN: &str = "@within";
const PLAIN: &str = "@plain";

/// Operators that take no list and no map: at all, as the second operand, as the first.
const OF_PLAIN: [&str; 8] = ["_<_", "_<=_", "_>_", "_>=_", "_-_", "_*_", "_/_", "_%_"];
const WITH_INDEX: [&str; 2] = ["_[_]", "_[?_]"];
const CONDITION: &str = "_?_:_";

/// Makes the functions known that [`guard`] calls.
pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload(SAME, SAME, vec![DYN_TYPE, DYN_TYPE], |args| compared(&args, |same| same))?;
    env.add_overload(DIFFERENT, DIFFERENT, vec![DYN_TYPE, DYN_TYPE], |args| compared(&args, |same| !same))?;
    env.add_overload(WITHIN, WITHIN, vec![DYN_TYPE, DYN_TYPE], within)?;
    env.add_overload(PLAIN, PLAIN, vec![DYN_TYPE], plain)
}

/// Puts them in place.
pub(super) fn guard(node: &mut IdedExpr) {
    children(node).into_iter().for_each(guard);
    let Expr::Call(call) = &mut node.expr else { return };
    match call.func_name.as_str() {
        "_==_" => call.func_name = SAME.to_owned(),
        "_!=_" => call.func_name = DIFFERENT.to_owned(),
        "@in" => call.func_name = WITHIN.to_owned(),
        name if OF_PLAIN.contains(&name) => call.args.iter_mut().for_each(wrap),
        name if WITH_INDEX.contains(&name) => call.args.iter_mut().skip(1).for_each(wrap),
        CONDITION => call.args.iter_mut().take(1).for_each(wrap),
        _ => {}
    }
}

fn wrap(operand: &mut IdedExpr) {
    if matches!(operand.expr, Expr::Literal(_)) {
        return;
    }
    let inner = std::mem::take(operand);
    operand.id = inner.id;
    operand.expr = Expr::Call(CallExpr { func_name: PLAIN.to_owned(), target: None, args: vec![inner] });
}

fn children(node: &mut IdedExpr) -> Vec<&mut IdedExpr> {
    match &mut node.expr {
        Expr::Call(call) => call.target.iter_mut().map(|target| &mut **target).chain(&mut call.args).collect(),
        Expr::Select(select) => vec![&mut select.operand],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => map.entries.iter_mut().flat_map(|entry| parts_of(&mut entry.expr)).collect(),
        Expr::Comprehension(l) => {
            let l = &mut **l;
            vec![&mut l.iter_range, &mut l.accu_init, &mut l.loop_cond, &mut l.loop_step, &mut l.result]
        }
        _ => Vec::new(),
    }
}

fn parts_of(entry: &mut EntryExpr) -> Vec<&mut IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
        EntryExpr::StructField(field) => vec![&mut field.value],
    }
}

fn compared<'b, 'v>(args: &[CowVal<'b, 'v>], told: impl Fn(bool) -> bool) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [one, other] = args else { return Err(ExecutionError::missing_argument_or_target()) };
    Ok(CowVal::owned(CelBool::from(told(is_same(one.as_ref(), other.as_ref())))))
}

fn within<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [wanted, container] = &args[..] else { return Err(ExecutionError::missing_argument_or_target()) };
    let found = match container.downcast_ref::<CelList>() {
        Some(list) => list.inner().iter().any(|item| is_same(&**item, wanted.as_ref())),
        None => {
            let types = || args.iter().map(|arg| arg.get_type().name().to_owned()).collect();
            let container = container.as_ref().as_container();
            container.ok_or_else(|| ExecutionError::no_such_overload("@in", types()))?.contains(wanted.as_ref())?
        }
    };
    Ok(CowVal::owned(CelBool::from(found)))
}

/// Equality as CEL has it, which for a number beside anything else copies both.
fn is_same(one: &dyn Val, other: &dyn Val) -> bool {
    if let (Some(one), Some(other)) = (one.downcast_ref::<CelList>(), other.downcast_ref::<CelList>()) {
        let (one, other) = (one.inner(), other.inner());
        return one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(&**one, &**other));
    }
    match (one.downcast_ref::<CelMap>(), other.downcast_ref::<CelMap>()) {
        (Some(one), Some(other)) if has_texts_for_keys(one) => {
            let (one, other) = (one.inner(), other.inner());
            let same = |key, value| other.get(key).is_some_and(|other| is_same(value, &**other));
            one.len() == other.len() && one.iter().all(|(key, value)| same(key, &**value))
        }
        _ => is_number(one) == is_number(other) && one.equals(other),
    }
}

/// Numbers as keys, which only a rule itself can write, are looked up by CEL's own rules.
fn has_texts_for_keys(map: &CelMap<'_>) -> bool {
    map.inner().keys().all(|key| matches!(key, CelMapKey::String(_)))
}

fn is_number(value: &dyn Val) -> bool {
    value.downcast_ref::<CelInt>().is_some()
        || value.downcast_ref::<CelDouble>().is_some()
        || value.downcast_ref::<CelUInt>().is_some()
}

/// The value as it is, if it is something that can be compared or reckoned with.
fn plain<'b, 'v>(mut args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let holds_more = value.downcast_ref::<CelList>().is_some()
        || value.downcast_ref::<CelMap>().is_some()
        || value.downcast_ref::<CelOptional>().is_some();
    if holds_more {
        let got = value.get_type().name().to_owned();
        return Err(ExecutionError::UnexpectedType { got, want: "a single value".to_owned() });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cel::{Context, Value};

    use super::*;
    use crate::rules::environment::environment;

    /// What the expression gives as written and as guarded; `None` if it fails.
    fn both(source: &str) -> [Option<Value>; 2] {
        let env = Arc::new(environment().unwrap());
        let program = env.compile(source).unwrap();
        let mut guarded = program.expression().clone();
        guard(&mut guarded);
        let context = Context::with_env(Arc::clone(&env));
        [program.expression(), &guarded].map(|tree| Value::resolve(tree, &context).ok())
    }

    #[test]
    fn guarded_expressions_mean_what_they_meant() {
        let values = [
            "1",
            "1u",
            "1.0",
            "2",
            "'1'",
            "true",
            "null",
            "[]",
            "[1]",
            "[1.0]",
            "['a', 1]",
            "{}",
            "{'a': 1}",
            "{'a': 1.0}",
            "{'a': [1, {}]}",
            "{1: 2}",
            "{1u: 2}",
            "timestamp('2026-01-01T00:00:00Z')",
            "duration('1h')",
            "{'a': 1}.?a",
            "{'a': 1}.?b",
        ];
        for one in values {
            for other in values {
                for operator in ["==", "!=", "in", "<", "<=", ">", ">=", "-", "*", "/", "%", "&&"] {
                    let source = format!("{one} {operator} {other}");
                    let [written, guarded] = both(&source);
                    assert_eq!(written, guarded, "{source}");
                }
                let source = format!("{one}[{other}] == 1 || [3, {one}].exists(x, x == {other} ? true : x != {one})");
                let [written, guarded] = both(&source);
                assert_eq!(written, guarded, "{source}");
            }
        }
    }
}
