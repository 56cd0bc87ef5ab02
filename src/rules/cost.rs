//! What an expression may cost on the event it runs on, and whether that is affordable: ten milliseconds or so at most.
//! Knows the tree and the size of the data, and counts for the worst: an operand that comes from the data may be all of it.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue};

use super::environment::MATCHES;
use super::names::ATTRIBUTES;
use super::values::Extent;

/// Most elements of a list and longest text, for rules that go through lists.
const MAX_LOOP: usize = 1000;
const MAX_LOOP_TEXT: usize = 16 * 1024;
const MAX_LOOP_VALUES: usize = 10_000;
/// Most steps of a loop, all elements of `for_each` together.
const MAX_STEPS: usize = 25_000;
/// Most visits to parts of the data.
const MAX_VISITS: usize = 2_000_000;
/// Bytes of text that are looked at in the time of one value.
const BYTES_PER_VISIT: usize = 32;
/// A copy, or the search for a pattern, costs as much as so many looks.
const COPY: usize = 16;

/// What one run of an expression may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Outside of its loops.
    once: Looks,
    /// For each step of its loops, if it has any.
    step: Option<Looks>,
    /// Whether the map of the event's attributes is part of what it goes through.
    attributes: bool,
}

/// How often the data may be gone through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Looks {
    /// All of it.
    values: usize,
    /// Its texts.
    texts: usize,
}

impl Cost {
    /// What `root` may cost.
    pub(super) fn of(root: &IdedExpr) -> Self {
        let mut cost = Self { attributes: mentions(root, &|name| name == ATTRIBUTES), ..Self::default() };
        cost.add(root, false);
        cost
    }

    /// Whether it goes through the event's attributes as well as its data.
    pub(super) fn sees_attributes(self) -> bool {
        self.attributes
    }

    fn add(&mut self, node: &IdedExpr, in_step: bool) {
        if let Expr::Comprehension(looping) = &node.expr {
            self.step.get_or_insert_default();
            [&looping.loop_cond, &looping.loop_step].into_iter().for_each(|part| self.add(part, true));
            return [&looping.iter_range, &looping.result].into_iter().for_each(|part| self.add(part, in_step));
        }
        let looks = if in_step { self.step.get_or_insert_default() } else { &mut self.once };
        match &node.expr {
            Expr::Call(call) => looks.call(call),
            // A list or map that is written out copies what is in it.
            Expr::List(_) | Expr::Map(_) if mentions_data(node) => looks.values += COPY,
            _ => {}
        }
        children(node).into_iter().for_each(|child| self.add(child, in_step));
    }

    /// What both cost, one after the other.
    pub(super) fn plus(self, other: Self) -> Self {
        let step = match (self.step, other.step) {
            (Some(one), Some(two)) => Some(one.plus(two)),
            (one, two) => one.or(two),
        };
        Self { once: self.once.plus(other.once), step, attributes: self.attributes || other.attributes }
    }

    /// Whether `times` runs on such data are.
    pub(super) fn is_affordable(self, data: Extent, times: usize) -> bool {
        let steps = times.saturating_mul(data.longest_list);
        // A single look at the data costs less than reading it did.
        let once = if times > 1 { self.once.visits(data, times) } else { 0 };
        let Some(step) = self.step else { return once <= MAX_VISITS };
        // A loop under `for_each` may compare every element with every other.
        let crossed = if times > 1 { times.saturating_mul(size(data)) } else { 0 };
        let visits = once.saturating_add(step.visits(data, steps)).saturating_add(crossed);
        visits <= MAX_VISITS && can_be_looped_over(data, steps)
    }
}

impl Looks {
    /// An operand that is an element of a list adds up to one look at the list; one from the data may be large each time.
    fn call(&mut self, call: &CallExpr) {
        let parts: Vec<_> = call.target.iter().map(|target| &**target).chain(&call.args).collect();
        let from_data = |part: &&IdedExpr| mentions_data(part);
        match call.func_name.as_str() {
            "_==_" | "_!=_" if parts.iter().all(from_data) => self.values += 1,
            "@in" if parts.last().is_some_and(from_data) => self.values += 1,
            "contains" if parts.first().is_some_and(from_data) => self.values += 1,
            "_+_" if !parts.iter().any(from_data) => {}
            "_+_" if parts.iter().any(|part| is_moment(part)) => {}
            "_+_" if parts.iter().any(|part| is_text(part)) => self.texts += 1,
            "_+_" => self.values += COPY,
            MATCHES | "string" | "size" if parts.first().is_some_and(from_data) => self.texts += COPY,
            _ => {}
        }
    }

    fn plus(self, other: Self) -> Self {
        Self { values: self.values + other.values, texts: self.texts + other.texts }
    }

    fn visits(self, data: Extent, runs: usize) -> usize {
        let texts = self.texts.saturating_mul(data.text / BYTES_PER_VISIT);
        self.values.saturating_mul(size(data)).saturating_add(texts).saturating_mul(runs)
    }
}

fn size(data: Extent) -> usize {
    data.values + data.text / BYTES_PER_VISIT
}

fn can_be_looped_over(data: Extent, steps: usize) -> bool {
    data.longest_list <= MAX_LOOP
        && data.longest_text <= MAX_LOOP_TEXT
        && data.values <= MAX_LOOP_VALUES
        && steps <= MAX_STEPS
}

fn is_text(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Literal(LiteralValue::String(_)))
}

/// Whatever is added to a time or a duration is one itself.
fn is_moment(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if matches!(call.func_name.as_str(), "timestamp" | "duration"))
}

fn mentions_data(node: &IdedExpr) -> bool {
    mentions(node, &|name| matches!(name, "data" | ATTRIBUTES))
}

fn mentions(node: &IdedExpr, wanted: &impl Fn(&str) -> bool) -> bool {
    matches!(&node.expr, Expr::Ident(name) if wanted(name)) || children(node).into_iter().any(|it| mentions(it, wanted))
}

fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Call(call) => call.target.iter().map(|target| &**target).chain(&call.args).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| parts_of(&entry.expr)).collect(),
        Expr::Comprehension(l) => vec![&l.iter_range, &l.accu_init, &l.loop_cond, &l.loop_step, &l.result],
        _ => Vec::new(),
    }
}

fn parts_of(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::environment::environment;

    fn cost(source: &str) -> Cost {
        Cost::of(environment().unwrap().compile(source).unwrap().expression())
    }

    /// A list of so many maps of two texts each.
    fn seats(count: usize) -> Extent {
        Extent { values: count * 3 + 2, longest_list: count, longest_text: 20, text: count * 40 }
    }

    #[test]
    fn looking_up_a_field_costs_nothing_however_many_elements() {
        for source in [
            "item.user_id",
            "data.organization_id",
            "item.?role.orValue('org:viewer')",
            "timestamp(data.from) + duration('24h')",
            "{'seat': item.id, 'tags': [item.tag]}",
        ] {
            assert_eq!(cost(source), Cost::default(), "{source}");
        }
        for source in ["'org_' + data.team", "item.plan == 'team' ? 'org:member' : 'org:viewer'"] {
            assert!(cost(source).is_affordable(seats(600), 600), "{source}");
        }
    }

    #[test]
    fn a_look_at_everything_for_each_element_is_affordable_for_some() {
        for (source, few, many) in [
            ("item.user_id in data.admins", 300, 1000),
            ("data.a == data.b", 300, 1000),
            ("{'all': data}", 100, 300),
            ("data.seats.exists(s, s.id == item.manager)", 150, 200),
        ] {
            assert!(cost(source).is_affordable(seats(few), few), "{source}");
            assert!(!cost(source).is_affordable(seats(many), many), "{source}");
        }
    }

    #[test]
    fn a_loop_that_copies_the_data_in_each_step_is_affordable_for_short_lists() {
        for source in ["data.l.map(x, data.l).size() == 3", "data.l.map(x, data.t + x).size() == 3"] {
            assert!(cost(source).is_affordable(seats(50), 1), "{source}");
            assert!(!cost(source).is_affordable(seats(900), 1), "{source}");
        }
        for source in ["data.l.filter(x, x.on).size() == 3", "data.l.exists(x, x.id == data.id)"] {
            assert!(cost(source).is_affordable(seats(900), 1), "{source}");
        }
    }

    #[test]
    fn what_is_affordable_alone_may_not_be_together() {
        let one = cost("data.a == data.b");
        let several = (0..4).fold(Cost::default(), |sum, _| sum.plus(one));
        assert!(one.is_affordable(seats(500), 500) && !several.is_affordable(seats(500), 500));
        let looping = one.plus(cost("data.l.exists(x, x == data.b)"));
        assert!(looping.step.is_some() && looping.once == one.once);
    }

    #[test]
    fn attributes_are_gone_through_as_data_is() {
        assert_eq!(cost("event.partitionkey"), Cost { attributes: true, ..Cost::default() });
        for (of_data, of_event) in [
            ("data.exists(k, data[k] == data.x)", "event.exists(k, event[k] == event.x)"),
            ("data.t.matches('a+b')", "event.t.matches('a+b')"),
            ("data.a + data.b + 'c'", "event.a + event.b + 'c'"),
        ] {
            assert_eq!(Cost { attributes: true, ..cost(of_data) }, cost(of_event), "{of_event}");
        }
        assert!(cost("data.x").plus(cost("event.x")).sees_attributes() && !cost("data.event").sees_attributes());
    }

    #[test]
    fn long_texts_count() {
        let long = Extent { values: 4, longest_list: 1, longest_text: 200_000, text: 200_000 };
        let matching = cost("data.t.matches('a+b')");
        assert!(matching.is_affordable(long, 1) && !matching.is_affordable(long, 1000));
    }
}
