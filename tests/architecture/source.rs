//! One source file as tokens: which paths it spells and how long its functions are.
//! Knows nothing of what is allowed.

/// A file, named from `src`.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    tokens: Vec<Token>,
}

/// A path as spelled, with `super` and `self` resolved: `crate::ledger::Claim`, `std::env`.
pub(crate) struct SpelledPath {
    pub(crate) names: String,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
}

pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From the line of `fn` to that of its closing brace.
    pub(crate) lines: usize,
}

struct Token {
    text: String,
    line: usize,
}

/// A module written inside the file: the depth of braces around it, its name.
struct Inline {
    depth: usize,
    name: String,
    test: bool,
}

impl Source {
    pub(crate) fn new(name: &str, text: String) -> Self {
        let tokens = tokens(&text);
        Self { name: name.to_owned(), text, tokens }
    }

    /// The top-level module that the file belongs to; `main` and `lib` stand for themselves.
    pub(crate) fn owner(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or(&self.name)
    }

    pub(crate) fn names_any(&self, words: &[&str]) -> bool {
        self.tokens.iter().any(|token| words.contains(&token.text.as_str()))
    }

    /// Every path with more than one name, and everything that `use` names.
    pub(crate) fn paths(&self) -> Vec<SpelledPath> {
        let mut found = Vec::new();
        let mut inline: Vec<Inline> = Vec::new();
        let mut depth = 0;
        let mut at = 0;
        while at < self.tokens.len() {
            match self.text_at(at) {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inline.pop_if(|module| module.depth == depth);
                }
                "mod" if self.text_at(at + 2) == "{" => inline.push(Inline {
                    depth,
                    name: self.text_at(at + 1).to_owned(),
                    test: at > 1 && self.text_at(at - 1) == "]" && self.text_at(at - 3) == "test",
                }),
                _ if self.begins_path(at) => {
                    let mut names = Vec::new();
                    let end = self.expand(at, &[], &mut names);
                    let in_test = self.name.ends_with("/tests.rs") || inline.iter().any(|module| module.test);
                    let line = self.tokens[at].line;
                    found.extend(names.iter().map(|names| SpelledPath {
                        names: self.resolve(names, &inline),
                        line,
                        in_test,
                    }));
                    at = end;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        (0..self.tokens.len()).filter(|&at| self.text_at(at) == "fn").filter_map(|at| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let name = self.text_at(at + 1);
        if !is_name(name) {
            return None;
        }
        let (mut round, mut curly) = (0, 0);
        for token in &self.tokens[at..] {
            match token.text.as_str() {
                "(" | "[" => round += 1,
                ")" | "]" => round -= 1,
                ";" if round == 0 && curly == 0 => return None,
                "{" => curly += 1,
                "}" => curly -= 1,
                _ => continue,
            }
            if token.text == "}" && curly == 0 && round == 0 {
                let line = self.tokens[at].line;
                return Some(Function { name: name.to_owned(), line, lines: token.line - line + 1 });
            }
        }
        None
    }

    fn text_at(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn begins_path(&self, at: usize) -> bool {
        let before = if at == 0 { "" } else { self.text_at(at - 1) };
        is_name(self.text_at(at)) && before != "::" && (self.text_at(at + 1) == "::" || before == "use")
    }

    /// Walks a use tree or path; adds each full path and returns where it ended.
    fn expand(&self, mut at: usize, prefix: &[&str], found: &mut Vec<Vec<String>>) -> usize {
        let mut names: Vec<&str> = prefix.to_vec();
        loop {
            match self.text_at(at) {
                "{" => return self.expand_group(at + 1, &names, found),
                name if is_name(name) || name == "*" => names.push(name),
                _ => break,
            }
            at += 1;
            if self.text_at(at) != "::" {
                break;
            }
            at += 1;
        }
        found.push(names.iter().map(|&name| name.to_owned()).collect());
        at
    }

    fn expand_group(&self, mut at: usize, prefix: &[&str], found: &mut Vec<Vec<String>>) -> usize {
        while at < self.tokens.len() && self.text_at(at) != "}" {
            at = match self.text_at(at) {
                "," => at + 1,
                "as" => at + 2,
                _ => self.expand(at, prefix, found).max(at + 1),
            };
        }
        at + 1
    }

    fn resolve(&self, names: &[String], inline: &[Inline]) -> String {
        let first = names.first().map_or("", String::as_str);
        let rooted = first == "crate" || first == "usher" && self.name == "main.rs";
        if !rooted && first != "super" && first != "self" {
            return names.join("::");
        }
        let mut resolved: Vec<&str> = Vec::new();
        if !rooted {
            resolved
                .extend(self.name.trim_end_matches(".rs").split('/').filter(|name| !["main", "lib"].contains(name)));
            resolved.extend(inline.iter().map(|module| module.name.as_str()));
        }
        for name in names.iter().skip(usize::from(rooted)) {
            match name.as_str() {
                "super" => drop(resolved.pop()),
                "self" => {}
                name => resolved.push(name),
            }
        }
        format!("crate::{}", resolved.join("::"))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single marks; comments, texts, numbers and lifetimes are left out.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let line = text[..text.len() - rest.len()].matches('\n').count() + 1;
        let length = skipped(rest).unwrap_or_else(|| {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            found.push(Token { text: rest[..length].to_owned(), line });
            length
        });
        rest = &rest[length..];
    }
    found
}

/// The length of what is no token at the beginning of a text.
fn skipped(rest: &str) -> Option<usize> {
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (prefix, after) = rest.split_at(word);
    match after.as_bytes() {
        [b'"', ..] if ["", "b", "c"].contains(&prefix) => return Some(word + quoted(after, '"')),
        [b'"' | b'#', ..] if ["r", "br", "cr"].contains(&prefix) => return raw(after).map(|length| word + length),
        [b'\'', ..] if ["", "b"].contains(&prefix) => return Some(word + character_or_lifetime(after)),
        _ => {}
    }
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    let first = rest.chars().next()?;
    first.is_whitespace().then(|| first.len_utf8()).or_else(|| first.is_numeric().then_some(word))
}

fn quoted(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == mark && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// `#"…"#` with any number of marks; none for a raw name.
fn raw(rest: &str) -> Option<usize> {
    let marks = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    Some(body.find(&end).map_or(rest.len(), |at| marks + 1 + at + end.len()))
}

fn character_or_lifetime(rest: &str) -> usize {
    let mut inside = rest[1..].chars();
    let is_character = inside.next() == Some('\\') || inside.next() == Some('\'');
    if is_character {
        quoted(rest, '\'')
    } else {
        1 + rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0)
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    for (at, pair) in rest.as_bytes().windows(2).enumerate() {
        match pair {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return at + 2,
            b"*/" => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}
