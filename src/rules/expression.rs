//! One CEL expression of a rule: checked as it is compiled, so that running it is bounded.
//! Knows nothing of the file it comes from but its own characters.

use cel::{Env, IdedExpr, Program};

use super::cost::Cost;
use super::diagnostic::Mistake;
use super::guarded::guard;
use super::names::Names;
use super::scan::{self, Refused};
use super::vocabulary;

/// An expression that compiled and passed every guard.
pub(super) struct Expression {
    pub(super) source: String,
    pub(super) cost: Cost,
    program: Program,
    guarded: IdedExpr,
}

/// What is wrong with an expression, and at which of its characters.
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) mistake: Mistake,
}

impl Expression {
    /// Compiles `source`; `names` are all it may use.
    pub(super) fn compile(env: &Env, source: &str, names: &Names<'_>) -> Result<Self, Vec<Fault>> {
        scan::scan(source).map_err(|refused| vec![refused_fault(refused)])?;
        let program = env.compile(source).map_err(|errors| syntax_faults(source, &errors))?;
        let faults = vocabulary::check(&program, names);
        if !faults.is_empty() {
            return Err(faults);
        }
        let cost = Cost::of(program.expression());
        let mut guarded = program.expression().clone();
        guard(&mut guarded);
        Ok(Self { source: source.to_owned(), cost, program, guarded })
    }

    /// The tree as it was written.
    pub(super) fn tree(&self) -> &IdedExpr {
        self.program.expression()
    }

    /// The tree that is evaluated.
    pub(super) fn guarded(&self) -> &IdedExpr {
        &self.guarded
    }

    /// At which character of the source a part of the tree begins.
    pub(super) fn character_of(&self, id: u64) -> usize {
        character_of(&self.program, id)
    }
}

/// What the messages of the grammar begin with; the others are told of a tree that is already broken.
const SYNTAX: &str = "Syntax error: ";

/// At which character of its source a part of a program begins.
pub(super) fn character_of(program: &Program, id: u64) -> usize {
    program.source_info().offset_for(id).map_or(0, |(start, _)| start as usize)
}

fn refused_fault(refused: Refused) -> Fault {
    let mistake = match refused {
        Refused::Length => Mistake::new("this expression is too long")
            .expected(format!("at most {} bytes", scan::MAX_LENGTH))
            .help("a table can take the place of many comparisons"),
        Refused::Brackets => Mistake::new("this expression has too many brackets within brackets"),
        Refused::Operators => Mistake::new("this expression has too many operators in a row"),
    };
    Fault { at: 0, mistake }
}

/// The parser's errors; those that follow from an earlier one help nobody, so the first of each line is told.
fn syntax_faults(source: &str, errors: &cel::ParseErrors) -> Vec<Fault> {
    let by_grammar = errors.errors.iter().any(|error| error.msg.starts_with(SYNTAX));
    let mut lines = Vec::new();
    let mut faults = Vec::new();
    for error in &errors.errors {
        if lines.contains(&error.pos.0) || by_grammar != error.msg.starts_with(SYNTAX) {
            continue;
        }
        lines.push(error.pos.0);
        let mistake = Mistake::new(format!("this is not CEL: {}", plain_words(&error.msg))).maybe_help(quotes(source));
        faults.push(Fault { at: character_at(source, error.pos), mistake });
    }
    faults
}

/// The parser's message without its list of all tokens that would have done.
fn plain_words(message: &str) -> String {
    let message = message.trim_start_matches(SYNTAX);
    let message = &message[..message.find(" expecting ").unwrap_or(message.len())];
    let quoted = message.split_once('\'').and_then(|(_, rest)| rest.strip_suffix('\'')).map(str::trim);
    match quoted {
        Some("<EOF>") => "it ends too early".to_owned(),
        Some(text) if message.starts_with("no viable") => format!("it makes no sense from `{}` on", short(text)),
        Some(text @ ("=" | "=>" | "=<")) => format!("`{text}` is no operator; there are ==, >= and <="),
        Some(text) => format!("unexpected `{}`", short(text)),
        None if message.starts_with("OtherError") => "it is too deep".to_owned(),
        None => short(message),
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The character at a position of the parser: line and column, both from 1.
fn character_at(source: &str, (line, column): (isize, isize)) -> usize {
    let before = usize::try_from(line - 1).unwrap_or(0);
    let lines: usize = source.split_inclusive('\n').take(before).map(|line| line.chars().count()).sum();
    lines + usize::try_from(column - 1).unwrap_or(0)
}

/// Help for the commonest mistake: a text without quotes of its own.
pub(super) fn quotes(source: &str) -> Option<String> {
    let bare = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '@');
    let meant = !source.is_empty() && source.chars().all(bare);
    meant.then(|| format!("a text needs quotes within CEL: '\"{source}\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::environment::environment;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn compile(source: &str) -> Result<Expression, Vec<Fault>> {
        let tables = BTreeMap::new();
        Expression::compile(&environment().unwrap(), source, &Names::new(&tables, true))
    }

    /// Ends the whole test run if a parser overflows: that is the point.
    fn on_a_small_stack(source: String) -> bool {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn(move || compile(&source).is_ok()).unwrap().join().unwrap()
    }

    #[test]
    fn hostile_sources_neither_overflow_nor_pass() {
        let towers = ["[", "(", "{1:", "size(", "a[", "!", "-", "a?b:", "[1].all(x,", "data.?a[?", "[[]][", "((1+"];
        for piece in towers {
            for times in [33, 64, 100, 300, 1_000, 100_000] {
                assert!(!on_a_small_stack(piece.repeat(times)), "{piece}");
            }
        }
        for link in ["+1", "*1", ".a", "[0]", "==1", " in [1]", "?1:1", "&&true", "||true", ",1", " a", "'", "\\"] {
            for times in [33, 64, 100, 300, 1_000, 100_000] {
                on_a_small_stack(format!("data{}", link.repeat(times)));
                on_a_small_stack(format!("[data{}]", link.repeat(times)));
            }
        }
    }

    #[test]
    fn a_syntax_error_is_told_once_a_line_and_at_its_character() {
        let faults = compile("data.a ==\n  'é' data.b").err().unwrap();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].at, 16);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_source_panics(parts in prop::collection::vec(prop::sample::select(vec![
            "data", "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "+", "-", "!", "&&", "||", "==", " in ", "'a'",
            "\"", "'", "1", "1.5", "0x", "u", "e9", "r'", "b'", "has(", ".all(x,", ".map(", ".matches(", "matches(", "exists_one(", "\\u{1}",
            "`", "//", "\n", "é", "\u{1f600}", "?.", "[?", "true", "null", "if", "x", "Foo{a:", "99999999999999999999",
        ]), 0..40)) {
            let _ = compile(&parts.concat());
        }

        #[test]
        fn no_text_panics(source in "\\PC{0,60}") {
            let _ = compile(&source);
        }
    }
}
