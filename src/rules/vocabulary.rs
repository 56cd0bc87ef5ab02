//! The guards on a parsed expression: its size, its names, its functions, its loops and its patterns.
//! Knows nothing of what the expression is for.

use cel::Program;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, SelectExpr,
};

use super::diagnostic::Mistake;
use super::environment::{self, MATCHES, MAX_PATTERN};
use super::expression::{Fault, character_of, quotes};
use super::fields::{did_you_mean, nearest};
use super::moment::{self, Moment};
use super::names::{ATTRIBUTES, ITEM, Names, is_attribute};

const A_NAME: &str =
    "id, source, type, subject, time, or an extension attribute: a name of lower-case letters and digits";
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 256;

const OPERATORS: &[&str] = &[
    "_?_:_",
    "_&&_",
    "_||_",
    "!_",
    "-_",
    "_-_",
    "_+_",
    "_*_",
    "_/_",
    "_%_",
    "_==_",
    "_!=_",
    "_>=_",
    "_<=_",
    "_>_",
    "_<_",
    "_[_]",
    "_[?_]",
    "_?._",
    "@in",
    "@not_strictly_false",
];

/// Function, arguments when called on something (`x.f(a)`), arguments when called by itself (`f(x, a)`).
const FUNCTIONS: &[(&str, Option<usize>, Option<usize>)] = &[
    ("size", Some(0), Some(1)),
    ("contains", Some(1), None),
    ("startsWith", Some(1), None),
    ("endsWith", Some(1), None),
    ("matches", Some(1), Some(2)),
    ("string", None, Some(1)),
    ("int", None, Some(1)),
    ("double", None, Some(1)),
    ("hasValue", Some(0), None),
    ("orValue", Some(1), None),
    ("or", Some(1), None),
    ("timestamp", None, Some(1)),
    ("duration", None, Some(1)),
];
const MACROS: [&str; 6] = ["has", "all", "exists", "exists_one", "map", "filter"];

/// Walks through the expression and checks all of it.
pub(super) fn check(program: &Program, names: &Names<'_>) -> Vec<Fault> {
    let mut walk = Walk { program, names, bound: Vec::new(), nodes: 0, level: 0, deep: false, faults: Vec::new() };
    let root = program.expression();
    walk.visit(root, 1);
    if walk.deep || walk.nodes > MAX_NODES {
        let limit = format!("at most {MAX_DEPTH} levels and {MAX_NODES} parts");
        let mistake = Mistake::new("this expression is too complex").expected(limit);
        walk.faults.push(Fault { at: 0, mistake: mistake.help("a table can take the place of many comparisons") });
    }
    walk.faults
}

struct Walk<'e> {
    program: &'e Program,
    names: &'e Names<'e>,
    /// The variables of the macros around.
    bound: Vec<&'e str>,
    nodes: usize,
    level: usize,
    deep: bool,
    faults: Vec<Fault>,
}

impl<'e> Walk<'e> {
    fn fault(&mut self, id: u64, mistake: Mistake) {
        self.faults.push(Fault { at: character_of(self.program, id), mistake });
    }

    /// The parser places a call at its bracket; a reader looks for its name.
    fn call_fault(&mut self, id: u64, name: &str, mistake: Mistake) {
        let bracket = character_of(self.program, id);
        let start = bracket.saturating_sub(name.len());
        let written: String = self.program.source_info().source.chars().skip(start).take(name.len()).collect();
        self.faults.push(Fault { at: if written == name { start } else { bracket }, mistake });
    }

    fn visit(&mut self, node: &'e IdedExpr, depth: usize) {
        self.nodes += 1;
        if depth > MAX_DEPTH {
            self.deep = true;
            return;
        }
        match &node.expr {
            Expr::Ident(name) => self.name(node.id, name),
            Expr::Call(call) => self.call(node.id, call, depth),
            Expr::Comprehension(looping) => self.comprehension(node.id, looping, depth),
            Expr::Select(select) => {
                self.attribute(node.id, select);
                self.visit(&select.operand, depth + 1);
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element, depth + 1)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(entry, depth + 1)),
            Expr::Struct(_) | Expr::Unspecified => {
                self.fault(
                    node.id,
                    Mistake::new("typed messages are not part of rules").help("use a map: {'key': value}"),
                );
            }
            Expr::Literal(_) => {}
        }
    }

    fn entry(&mut self, entry: &'e IdedEntryExpr, depth: usize) {
        if let EntryExpr::MapEntry(entry) = &entry.expr {
            self.visit(&entry.key, depth);
            self.visit(&entry.value, depth);
        }
    }

    fn name(&mut self, id: u64, name: &'e str) {
        if self.names.contain(name) || self.bound.contains(&name) {
            return;
        }
        let known: Vec<_> = self.names.all().collect();
        let help = match nearest(name, known.iter().copied()) {
            _ if name == ITEM => Some("`item` exists only in the grant or revoke of a rule with `for_each`".to_owned()),
            Some(near) => Some(did_you_mean(near)),
            None => quotes(&self.program.source_info().source).or_else(|| quotes(name)),
        };
        let mistake = Mistake::new(format!("`{name}` names nothing")).expected(format!("one of {}", known.join(", ")));
        self.fault(id, mistake.maybe_help(help));
    }

    /// A name that no attribute has would be looked up in vain on every event.
    fn attribute(&mut self, id: u64, select: &'e SelectExpr) {
        let is_event = matches!(&select.operand.expr, Expr::Ident(name) if name == ATTRIBUTES);
        if !is_event || self.bound.contains(&ATTRIBUTES) || is_attribute(&select.field) {
            return;
        }
        let mistake = Mistake::new(format!("rules see no attribute `{}`", select.field));
        let help = match select.field.as_str() {
            "data" => Some("`data` stands by itself, beside `event`".to_owned()),
            field => Some(field.to_ascii_lowercase()).filter(|name| is_attribute(name)).map(|name| did_you_mean(&name)),
        };
        self.fault(id, mistake.expected(A_NAME).maybe_help(help));
    }

    fn call(&mut self, id: u64, call: &'e CallExpr, depth: usize) {
        self.function(id, call);
        let parts = call.target.iter().map(|target| &**target).chain(&call.args);
        parts.for_each(|part| self.visit(part, depth + 1));
    }

    fn function(&mut self, id: u64, call: &'e CallExpr) {
        let name = call.func_name.as_str();
        if name == MATCHES {
            return self.pattern(call.args.last());
        }
        if OPERATORS.contains(&name) {
            return;
        }
        let Some((_, member, global)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            return self.unknown_function(id, name);
        };
        let wanted = if call.target.is_some() { member } else { global };
        if *wanted != Some(call.args.len()) {
            let forms = [member.map(|n| ("x.", n)), global.map(|n| ("", n))];
            let forms =
                forms.into_iter().flatten().map(|(on, n)| format!("{on}{name}({})", ["", "a", "a, b"][n.min(2)]));
            let mistake = Mistake::new(format!("`{name}` is not called like this"));
            self.call_fault(id, name, mistake.expected(forms.collect::<Vec<_>>().join(" or ")));
        }
        self.moment(name, call.args.first());
    }

    /// A time or a duration that stands in the file is read here and now.
    fn moment(&mut self, name: &str, text: Option<&'e IdedExpr>) {
        let (parse, expected): (fn(&str) -> Option<Moment>, _) = match name {
            "timestamp" => (Moment::timestamp, moment::A_TIME),
            "duration" => (Moment::duration, moment::A_DURATION),
            _ => return,
        };
        if let Some(node) = text
            && let Expr::Literal(LiteralValue::String(text)) = &node.expr
            && parse(text.inner()).is_none()
        {
            self.fault(node.id, Mistake::new(format!("`{name}` cannot take this text")).expected(expected));
        }
    }

    fn unknown_function(&mut self, id: u64, name: &str) {
        let known: Vec<_> = FUNCTIONS.iter().map(|(known, ..)| *known).chain(MACROS).collect();
        let help = nearest(name, known.iter().copied()).map(did_you_mean);
        let (problem, expected) = if MACROS.contains(&name) {
            (format!("`{name}` is not called like this"), "has(x.y), or x.all(e, …) and the like".to_owned())
        } else {
            (format!("there is no function `{name}`"), format!("one of {}", known.join(", ")))
        };
        self.call_fault(
            id,
            name,
            Mistake::new(problem).expected(expected).maybe_help(help.filter(|_| !MACROS.contains(&name))),
        );
    }

    /// A pattern from an event could be anything; one of the file is compiled here and now.
    fn pattern(&mut self, pattern: Option<&'e IdedExpr>) {
        let Some(node) = pattern else { return };
        let Expr::Literal(LiteralValue::String(pattern)) = &node.expr else {
            return self.fault(node.id, Mistake::new("the pattern of `matches` must be a text in quotes"));
        };
        let pattern = pattern.inner();
        if pattern.len() > MAX_PATTERN {
            let mistake = Mistake::new("this pattern is too long").expected(format!("at most {MAX_PATTERN} bytes"));
            return self.fault(node.id, mistake);
        }
        match environment::compile(pattern) {
            Ok(_) => {}
            Err(regex::Error::CompiledTooBig(_)) => {
                self.fault(
                    node.id,
                    Mistake::new("this pattern is too big once compiled").help("use smaller repetitions"),
                );
            }
            Err(error) => {
                let reason =
                    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fault(node.id, Mistake::new(format!("this is not a regular expression: {reason}")));
            }
        }
    }

    fn comprehension(&mut self, id: u64, looping: &'e ComprehensionExpr, depth: usize) {
        if self.level > 0 {
            let mistake = Mistake::new("a loop within a loop");
            self.fault(
                id,
                mistake.help("one of all, exists, exists_one, map and filter at a time; `for_each` may help"),
            );
        }
        self.visit(&looping.iter_range, depth + 1);
        self.visit(&looping.accu_init, depth + 1);
        let before = self.bound.len();
        self.bound.extend([looping.accu_var.as_str(), looping.iter_var.as_str()]);
        self.bound.extend(looping.iter_var2.as_deref());
        self.level += 1;
        for part in [&looping.loop_cond, &looping.loop_step, &looping.result] {
            self.visit(part, depth + 1);
        }
        self.level -= 1;
        self.bound.truncate(before);
    }
}
