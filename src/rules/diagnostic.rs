//! What is wrong with a rule file: where, what was expected and what to do.
//! Knows nothing of how mistakes are found.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// Most characters of a line that are shown.
const MAX_EXCERPT: usize = 120;

/// One mistake in a rule file; `Display` shows it the way rustc shows its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file as it was named.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    /// The line, or what is around the place in a long one; what may be a secret in it is masked.
    pub excerpt: String,
    /// How many characters of the excerpt are before the place.
    pub indent: usize,
    /// What is wrong.
    pub message: String,
    /// What was expected instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string().len();
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{:gutter$}--> {}:{}:{}", "", self.file, self.line, self.column)?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{} | {}", self.line, self.excerpt)?;
        write!(f, "{:gutter$} | {:indent$}{}", "", "", "^".repeat(self.width), indent = self.indent)?;
        for (name, text) in [("expected", &self.expected), ("help", &self.help)] {
            if let Some(text) = text {
                write!(f, "\n{:gutter$} = {name}: {text}", "")?;
            }
        }
        Ok(())
    }
}

/// What is wrong, before its place in the file is known.
#[derive(Debug, Clone)]
pub(super) struct Mistake {
    message: String,
    expected: Option<String>,
    help: Option<String>,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), expected: None, help: None }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = self.help.or(help);
        self
    }
}

/// All mistakes of one file.
pub(super) struct Report<'s> {
    file: &'s str,
    pub(super) source: &'s str,
    masked: Vec<Range<usize>>,
    found: Vec<(Range<usize>, Mistake)>,
}

impl<'s> Report<'s> {
    pub(super) fn new(file: &'s str, source: &'s str) -> Self {
        Self { file, source, masked: Vec::new(), found: Vec::new() }
    }

    /// Notes a mistake in these bytes of the file.
    pub(super) fn add(&mut self, place: Range<usize>, mistake: Mistake) {
        self.found.push((place, mistake));
    }

    /// Never shows these bytes: an operator may have put a secret where the name of one belongs.
    pub(super) fn mask(&mut self, place: Range<usize>) {
        self.masked.push(place);
    }

    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// In the order of the file.
    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(place, _)| place.start);
        let mut found: Vec<_> = self.found.iter().map(|(place, mistake)| self.diagnostic(place, mistake)).collect();
        found.dedup();
        found
    }

    fn diagnostic(&self, place: &Range<usize>, mistake: &Mistake) -> Diagnostic {
        let start = floor_boundary(self.source, place.start);
        let before = &self.source[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_len = self.source[line_start..].find('\n').unwrap_or(self.source.len() - line_start);
        let end = floor_boundary(self.source, place.end).clamp(start, (line_start + line_len).max(start));
        let column = before[line_start..].chars().count();
        let width = self.source[start..end].trim_end().chars().count().max(1);
        let cut = if column + width > MAX_EXCERPT { column.saturating_sub(MAX_EXCERPT / 2) } else { 0 };
        Diagnostic {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            width: width.min(MAX_EXCERPT / 2),
            excerpt: self.excerpt(line_start..line_start + line_len, cut),
            indent: column - cut,
            message: mistake.message.clone(),
            expected: mistake.expected.clone(),
            help: mistake.help.clone(),
        }
    }

    /// The line from its character `cut` on, with one column for each character, whatever it is.
    fn excerpt(&self, line: Range<usize>, cut: usize) -> String {
        let shown = |(offset, character): (usize, char)| match character {
            _ if self.masked.iter().any(|range| range.contains(&(line.start + offset))) => '*',
            _ if character.is_control() => ' ',
            _ => character,
        };
        let shown = self.source[line.clone()].char_indices().map(shown).skip(cut).take(MAX_EXCERPT);
        shown.collect::<String>().trim_end().to_owned()
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(source: &str, place: Range<usize>) -> Diagnostic {
        let mut report = Report::new("f.yaml", source);
        report.add(place, Mistake::new("no").expected("yes").help("try"));
        report.into_diagnostics().remove(0)
    }

    #[test]
    fn it_reads_like_rustc() {
        let text = one("a: 1\nbé: wrong # x\n", 10..15).to_string();
        let expected =
            "error: no\n --> f.yaml:2:5\n  |\n2 | bé: wrong # x\n  |     ^^^^^\n  = expected: yes\n  = help: try";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_place_at_or_behind_the_end_or_inside_a_character_is_harmless() {
        for place in [0..0, 1..1, 2..9, 3..4, 99..100] {
            let found = one("é\n", place);
            assert!(found.width >= 1 && found.column >= 1 && found.line <= 2);
        }
        assert_eq!(one("", 0..0).excerpt, "");
    }

    #[test]
    fn a_masked_part_is_not_shown() {
        let mut report = Report::new("f.yaml", "tokens: [hunter2, x]");
        report.mask(9..16);
        report.add(9..16, Mistake::new("no"));
        assert_eq!(report.into_diagnostics()[0].excerpt, "tokens: [*******, x]");
    }
}
