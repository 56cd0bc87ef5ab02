//! Stdout as a person reads it: colours where they are wanted, sentences wrapped between words.
//! Knows nothing of what is said.

use std::io::{IsTerminal as _, Write as _, stdout};

use crate::telemetry::no_color;

/// Something went as it should.
pub(super) const GREEN: &str = "32";
/// Something did not.
pub(super) const RED: &str = "31";
/// A title.
pub(super) const BOLD: &str = "1";
/// What matters less.
pub(super) const DIM: &str = "2";

/// Of a sentence, so that it stays beside its mark on a narrow terminal.
pub(super) const WIDTH: usize = 78;

/// Writes to stdout.
#[derive(Clone, Copy)]
pub(super) struct Terminal {
    colour: bool,
}

impl Terminal {
    /// In colour where a person looks at it and wants it.
    pub(super) fn new(plain: bool) -> Self {
        Self { colour: !plain && stdout().is_terminal() && !no_color() }
    }

    /// Writes a line.
    pub(super) fn line(self, text: &str) {
        // A reader who has gone away has seen enough.
        let _ = writeln!(stdout(), "{text}");
    }

    /// The text in a colour.
    pub(super) fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The text without what a terminal would obey, or what turns its letters around.
pub(super) fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The words of `text` in lines of at most `width` characters; a longer word stands alone.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_is_wrapped_between_words() {
        assert_eq!(wrapped("a bb ccc dddddddd e", 6), ["a bb", "ccc", "dddddddd", "e"]);
        assert!(wrapped("", 6).is_empty());
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(harmless("a\u{1b}[31mb\u{7}c\u{9b}d\u{7f}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}");
        assert_eq!(harmless("a\r\nb\tc é 😀"), "a  b c é 😀");
        assert_eq!(harmless("\u{202e}evil"), "\u{fffd}evil");
    }
}
