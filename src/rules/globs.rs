//! `*` patterns over event types and organization ids.
//! Knows nothing of who may do what.

use wildmatch::WildMatchPattern;

/// Longest pattern; an event type has at most 255 bytes.
const MAX_PATTERN: usize = 255;

/// One pattern in which `*` stands for any text; nothing else is special (`\0` can be in no event type).
#[derive(Debug, Clone)]
pub(super) struct Glob {
    pattern: String,
    matcher: WildMatchPattern<'*', '\0'>,
}

impl Glob {
    /// `None` for an empty or overlong pattern.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let fits = (1..=MAX_PATTERN).contains(&pattern.len()) && !pattern.chars().any(char::is_control);
        fits.then(|| Self { pattern: pattern.to_owned(), matcher: WildMatchPattern::new(pattern) })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.matcher.matches(text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether some text matches both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (a, b): (Vec<char>, Vec<char>) = (self.pattern.chars().collect(), other.pattern.chars().collect());
        // possible[j]: what is left of `a` and b[j..] have a text in common.
        let mut possible: Vec<bool> = (0..=b.len()).map(|j| b[j..].iter().all(|c| *c == '*')).collect();
        for (i, from) in a.iter().enumerate().rev() {
            let shorter = possible.clone();
            possible[b.len()] = a[i..].iter().all(|c| *c == '*');
            for (j, to) in b.iter().enumerate().rev() {
                possible[j] = match (*from, *to) {
                    ('*', _) | (_, '*') => shorter[j] || possible[j + 1],
                    (from, to) => from == to && shorter[j + 1],
                };
            }
        }
        possible[0]
    }
}

/// Several patterns; a text is allowed when one matches.
#[derive(Debug, Clone)]
pub struct Globs(pub(super) Vec<Glob>);

impl Globs {
    /// Whether `text` is within them.
    pub fn allows(&self, text: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(text))
    }

    /// The patterns as written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Glob::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(pattern).unwrap()
    }

    /// The definition, slowly.
    fn matches_by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| matches_by_definition(rest, &text[skip..])),
            Some((first, rest)) => text.first() == Some(first) && matches_by_definition(rest, &text[1..]),
        }
    }

    #[test]
    fn a_dot_is_a_dot_and_a_question_mark_is_no_wildcard() {
        assert!(glob("plan.*").matches("plan.purchased"));
        assert!(!glob("plan.*").matches("plans.purchased"));
        assert!(!glob("plan.?").matches("plan.a"));
        assert!(Glob::new("").is_none());
    }

    #[test]
    fn overlap_is_found_where_neither_contains_the_other() {
        assert!(glob("plan.*").overlaps(&glob("*.cancelled")));
        assert!(glob("a*c").overlaps(&glob("ab*")));
        assert!(!glob("plan.*").overlaps(&glob("seats.*")));
        assert!(!glob("a*b").overlaps(&glob("a*c")));
        assert!(glob("*").overlaps(&glob("*")));
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab*]{1,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(glob(&pattern).matches(&text), matches_by_definition(&p, &t));
        }

        #[test]
        fn two_that_match_one_text_overlap(a in "[ab*]{1,6}", b in "[ab*]{1,6}", text in "[ab]{0,6}") {
            let (a, b) = (glob(&a), glob(&b));
            if a.matches(&text) && b.matches(&text) {
                prop_assert!(a.overlaps(&b) && b.overlaps(&a));
            }
        }

        #[test]
        fn no_overlap_means_no_common_text(a in "[ab*]{1,4}", b in "[ab*]{1,4}") {
            let (a, b) = (glob(&a), glob(&b));
            let texts = (0..=8usize).flat_map(|len| (0..1u32 << len).map(move |bits| {
                (0..len).map(|i| if bits >> i & 1 == 1 { 'b' } else { 'a' }).collect::<String>()
            }));
            let common = texts.into_iter().any(|text| a.matches(&text) && b.matches(&text));
            prop_assert_eq!(a.overlaps(&b), common);
        }
    }
}
