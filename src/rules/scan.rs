//! A look at an expression before it is parsed: is it small and flat enough for a recursive parser?
//! Knows brackets, quotes and operators, not the grammar; it may refuse more than needed, never less.

/// Longest expression, in bytes.
pub(super) const MAX_LENGTH: usize = 1024;
/// Deepest nesting of brackets.
const MAX_BRACKETS: usize = 20;
/// Deepest tree that the operators could make.
const MAX_OPERATORS: usize = 64;

/// What an expression has too much of to be parsed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Length,
    Brackets,
    Operators,
}

/// One bracket level: how deep its current operand could be, and the deepest so far.
#[derive(Default)]
struct Level {
    operators: usize,
    inner: usize,
    deepest: usize,
}

impl Level {
    /// `&&`, `||` and `,` begin anew: the parser balances the first two and puts the parts of the third side by side.
    fn next_operand(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner) + 1;
        (self.operators, self.inner) = (0, 0);
    }

    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.inner)
    }
}

/// Checks length, brackets and operators of `source`.
pub(super) fn scan(source: &str) -> Result<(), Refused> {
    if source.len() > MAX_LENGTH {
        return Err(Refused::Length);
    }
    let bytes = source.as_bytes();
    let mut levels = vec![Level::default()];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += step(&bytes[at..], byte, &mut levels);
        if levels.len() > MAX_BRACKETS {
            return Err(Refused::Brackets);
        }
    }
    while levels.len() > 1 {
        close(&mut levels);
    }
    if levels[0].depth() > MAX_OPERATORS { Err(Refused::Operators) } else { Ok(()) }
}

/// Takes one token's worth of bytes into account and says how many they were.
fn step(rest: &[u8], byte: u8, levels: &mut Vec<Level>) -> usize {
    match byte {
        b'\'' | b'"' => return quoted(rest, byte, false),
        b'(' | b'[' | b'{' => {
            count_operator(levels);
            levels.push(Level::default());
        }
        b')' | b']' | b'}' => close(levels),
        b',' => separate(levels),
        b'&' | b'|' if rest.get(1) == Some(&byte) => {
            separate(levels);
            return 2;
        }
        _ if is_word(byte) => return word(rest, levels),
        _ if byte.is_ascii_whitespace() => {}
        _ => count_operator(levels),
    }
    1
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// A name, a number, `in`, or the prefix of a text.
fn word(rest: &[u8], levels: &mut [Level]) -> usize {
    let len = rest.iter().take_while(|byte| is_word(**byte)).count();
    let (word, behind) = rest.split_at(len);
    if word == b"in" {
        count_operator(levels);
    }
    match behind.first() {
        Some(quote @ (b'\'' | b'"')) => len + quoted(behind, *quote, word.eq_ignore_ascii_case(b"r")),
        _ => len,
    }
}

/// A text ends at its quotes; an unclosed one is taken for a single character, so that nothing hides behind it.
fn quoted(rest: &[u8], quote: u8, raw: bool) -> usize {
    let quotes = if rest.starts_with(&[quote; 3]) { 3 } else { 1 };
    let mut escaped = false;
    let end = rest[quotes..].windows(quotes).position(|window| {
        let ends = !escaped && window.iter().all(|byte| *byte == quote);
        escaped = !raw && !escaped && window[0] == b'\\';
        ends
    });
    end.map_or(1, |end| end + 2 * quotes)
}

fn count_operator(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut() {
        level.operators += 1;
    }
}

fn separate(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut() {
        level.next_operand();
    }
}

fn close(levels: &mut Vec<Level>) {
    if levels.len() > 1
        && let Some(inner) = levels.pop()
        && let Some(outer) = levels.last_mut()
    {
        outer.inner = outer.inner.max(inner.depth() + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_expressions_pass() {
        for source in [
            "data.plan in role_of_plan",
            "'a' + \"((((\" == '\\'[[[['",
            "data.a == 1 && data.b == 2 && (data.c == 3 || data.d.e.f == 4) && size(data.g) > 5",
            &["data.plan == 'x'"; 40].join(" || "),
            "r'\\' == 'a' && '''a'(((((((((((((((((((((((((''' == 'b'",
            "data.list.filter(x, x.active && x.role in ['a', 'b']).map(x, x.id)",
        ] {
            assert_eq!(scan(source), Ok(()), "{source}");
        }
    }

    #[test]
    fn towers_and_chains_are_refused() {
        assert_eq!(scan(&"x".repeat(MAX_LENGTH + 1)), Err(Refused::Length));
        for tower in ["(", "[", "{1:", "f(", "a[", "[1].all(x,"] {
            assert_eq!(scan(&tower.repeat(60)), Err(Refused::Brackets), "{tower}");
        }
        for chain in ["+1", "-", "!", ".a", "[1]", "?b:", "==a", " in a", "*1", "('", "%1"] {
            assert!(scan(&format!("a{}", chain.repeat(120))).is_err(), "{chain}");
        }
        assert!(scan(&format!("r'\\' {} '", "[".repeat(60))).is_err());
        assert!(scan(&format!("'''a'b'''{} '", "[".repeat(60))).is_err());
    }
}
