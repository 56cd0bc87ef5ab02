//! What a caller prefers (RFC 7240): to wait for the outcome, or an answer at once.
//! Knows nothing of outcomes; what it cannot read it ignores.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};

pub(super) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest wait that is granted: below the patience of what stands between callers and us.
const LONGEST_WAIT: u64 = 30;

/// The preferences that are honored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Preference {
    /// For how long to hold the answer, in whole seconds.
    pub(super) wait: Option<Duration>,
    /// Rather a 202 than a wait.
    pub(super) respond_async: bool,
}

impl Preference {
    /// Of all `Prefer` lines together; of a preference that is repeated the first counts.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let lines: Vec<&[u8]> = headers.get_all(PREFER).map(|line| line.as_bytes()).collect();
        if lines.is_empty() { Self::default() } else { Self::read(&lines.join(&b","[..])) }
    }

    fn read(list: &[u8]) -> Self {
        let elements: Vec<(Vec<u8>, Vec<u8>)> = split(list, b',').into_iter().filter_map(preference).collect();
        let first = |name: &str| elements.iter().find(|(other, _)| other == name.as_bytes()).map(|(_, value)| value);
        Self {
            wait: first("wait").and_then(|value| seconds(value)),
            respond_async: first("respond-async").is_some_and(Vec::is_empty),
        }
    }

    /// Whether somebody waits for what becomes of the event.
    pub(super) fn waits(&self) -> bool {
        self.wait.is_some_and(|wait| !wait.is_zero())
    }

    /// For `Preference-Applied`; `answered_async` says that the answer came before the end.
    pub(super) fn applied(&self, answered_async: bool) -> Option<String> {
        let respond_async = (self.respond_async && answered_async).then(|| "respond-async".to_owned());
        let wait = self.wait.map(|wait| format!("wait={}", wait.as_secs()));
        let applied: Vec<String> = respond_async.into_iter().chain(wait).collect();
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}

/// The parts between these, but not those inside of quotes.
fn split(text: &[u8], at: u8) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => return *byte == at && !quoted,
        }
        false
    })
    .collect()
}

/// The name in lower case, and the value without quotes; parameters are not looked at.
fn preference(element: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let element = *split(element, b';').first()?;
    let mut parts = element.splitn(2, |byte| *byte == b'=');
    let name = parts.next()?.trim_ascii().to_ascii_lowercase();
    let value = parts.next().unwrap_or_default().trim_ascii();
    (!name.is_empty()).then(|| (name, unquoted(value)))
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let inner = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let Some(inner) = inner else { return value.to_vec() };
    let mut escaped = false;
    let keep = |byte: &u8| {
        escaped = *byte == b'\\' && !escaped;
        !escaped
    };
    inner.iter().copied().filter(keep).collect()
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    // More digits than a number holds are still more than the longest wait.
    let number = || str::from_utf8(value).ok()?.parse().ok();
    digits.then(|| Duration::from_secs(number().unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    fn of(lines: &[&[u8]]) -> Preference {
        Preference::of(&lines.iter().map(|line| (PREFER, HeaderValue::from_bytes(line).unwrap())).collect())
    }

    fn wait(line: &str) -> Option<u64> {
        of(&[line.as_bytes()]).wait.map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_read_as_rfc_7240_writes_it() {
        for line in [
            "wait=10",
            "WAIT = \"10\"",
            "return=minimal, Wait=10 ; foo=\"a,b\"",
            "x=\"a\\\",wait=5\", wait=10",
            ",,wait=10,",
        ] {
            assert_eq!(wait(line), Some(10), "{line}");
        }
        assert_eq!(wait("wait=\"1\\0\""), Some(10));
        assert_eq!(
            (wait("wait=0"), wait("wait=31"), wait(&format!("wait={}", "9".repeat(40)))),
            (Some(0), Some(30), Some(30))
        );
    }

    #[test]
    fn what_is_no_wait_is_ignored() {
        for line in [
            "",
            "wait",
            "wait=",
            "wait=\"\"",
            "wait=-1",
            "wait=1.5",
            "wait=1s",
            "waits=1",
            "x;wait=5",
            "x=\"wait=5",
            "wait=é",
        ] {
            assert_eq!(wait(line), None, "{line}");
        }
    }

    #[test]
    fn the_first_of_several_counts_over_all_lines() {
        assert_eq!(wait("wait=5, wait=9"), Some(5));
        assert_eq!(wait("wait=x, wait=9"), None);
        let two = of(&[b"respond-async", b"wait=7;a=b", b"wait=9"]);
        assert_eq!(two, Preference { wait: Some(Duration::from_secs(7)), respond_async: true });
        assert!(!of(&[b"respond-async=no"]).respond_async && of(&[b"Respond-Async=\"\""]).respond_async);
    }

    #[test]
    fn only_what_is_honored_is_said_to_be() {
        let both = of(&[b"wait=99, respond-async"]);
        assert_eq!(both.applied(true).as_deref(), Some("respond-async, wait=30"));
        assert_eq!(both.applied(false).as_deref(), Some("wait=30"));
        assert_eq!(of(&[b"respond-async"]).applied(false), None);
        assert_eq!(of(&[b"handling=strict"]).applied(true), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_and_no_wait_is_longer_than_granted(
            lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)
        ) {
            let lines: Vec<_> = lines.iter().filter(|line| HeaderValue::from_bytes(line).is_ok()).map(Vec::as_slice).collect();
            prop_assert!(of(&lines).wait.is_none_or(|wait| wait <= Duration::from_secs(30)));
        }

        #[test]
        fn what_is_around_a_wait_does_not_change_it(before in "([a-z]{1,5}(=(\"[ -!#-\\[\\]-~]{0,6}\"|[a-z0-9]{0,3}))?, ?){0,3}", n in 0..30_u64) {
            prop_assume!(!before.contains("wait"));
            prop_assert_eq!(wait(&format!("{before}wait={n}")), Some(n));
        }
    }
}
