//! Texts as PostgreSQL takes them: it knows no U+0000.
//! Knows nothing of what the texts say.

use std::borrow::Cow;

const ESCAPE: char = '\u{1a}';

/// As it is stored; almost always as it is.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{1a}1").replace('\0', "\u{1a}0"))
}

/// As it was before it was stored.
pub(super) fn read(stored: String) -> String {
    if !stored.contains(ESCAPE) {
        return stored;
    }
    stored.replace("\u{1a}0", "\0").replace("\u{1a}1", "\u{1a}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_comes_back_and_holds_no_zero_meanwhile(text in "[\0\u{1a}01a]{0,12}") {
            let there = stored(&text).into_owned();
            prop_assert!(!there.contains('\0'));
            prop_assert_eq!(read(there), text);
        }
    }
}
