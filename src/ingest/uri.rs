//! URI references by the grammar of RFC 3986, as `source` and `dataschema` have to be.
//! Knows nothing of what they lead to and resolves nothing.

use std::net::Ipv6Addr;

/// Whether `text` is a URI with a scheme, and no fragment is cut off: an absolute one as CloudEvents says it.
pub(super) fn is_absolute(text: &str) -> bool {
    scheme(text).is_some_and(|(_, rest)| is_after_scheme(rest))
}

/// Whether `text` is a URI reference, absolute or relative.
pub(super) fn is_reference(text: &str) -> bool {
    is_absolute(text) || is_relative(text)
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":"`
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (begins && scheme.bytes().all(inside)).then_some((scheme, rest))
}

/// A colon in the first segment would make a scheme of it.
fn is_relative(text: &str) -> bool {
    let first = text.split(['/', '?', '#']).next().unwrap_or_default();
    !first.contains(':') && is_after_scheme(text)
}

fn is_after_scheme(text: &str) -> bool {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, path) = match text.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", text),
    };
    is_authority(authority) && is_of(path, b":@/") && is_of(query, b":@/?") && is_of(fragment, b":@/?")
}

fn is_authority(text: &str) -> bool {
    let (user, place) = text.rsplit_once('@').unwrap_or(("", text));
    let (host_fits, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, rest)) => (is_ip_literal(literal), rest),
        None => {
            let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
            (is_of(host, b""), port)
        }
    };
    let port_fits =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    is_of(user, b":") && host_fits && port_fits
}

/// An address of version 6, or `v1.x` of some version to come.
fn is_ip_literal(text: &str) -> bool {
    let future = || {
        let (version, address) = text.strip_prefix(['v', 'V'])?.split_once('.')?;
        let versioned = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(versioned && !address.is_empty() && !address.contains('%') && is_of(address, b":"))
    };
    text.parse::<Ipv6Addr>().is_ok() || future().unwrap_or(false)
}

/// Unreserved characters, sub-delimiters, escapes, and what else the part may have.
fn is_of(text: &str, more: &[u8]) -> bool {
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => behind,
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) || more.contains(byte) => behind,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_the_standards_are_taken() {
        let absolute = [
            "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "http://www.ietf.org/rfc/rfc2396.txt?a=b/c?d#frag/ment?",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "mailto:John.Doe@example.com",
            "news:comp.infosystems.www.servers.unix",
            "tel:+1-816-555-1212",
            "telnet://192.0.2.16:80/",
            "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "https://user:pass@[::ffff:1.2.3.4]:443/%C3%A9",
            "http://[v1.a:b]/",
            "file:///etc/hosts",
            "a:",
        ];
        for text in absolute {
            assert!(is_absolute(text) && is_reference(text), "{text}");
        }
        let relative = [
            "/cloudevents/spec/pull/123",
            "/sensors/tn-1234567/alerts",
            "1-555-123-4567",
            "shop",
            "../a:b",
            "//host",
            "?q",
            "#f",
            "",
            "./a:b",
        ];
        for text in relative {
            assert!(!is_absolute(text) && is_reference(text), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_has_no_place_for_is_none() {
        for text in [
            "a b",
            "é",
            "/a|b",
            "http://a/<b>",
            "/%",
            "/%4",
            "/%zz",
            "1a:b",
            ":a",
            "a#b#c",
            "http://[::1",
            "http://[::g]/",
            "http://a:b/",
            "http://a]/",
            "/[a]",
            "\\a",
            "\"a\"",
            "{a}",
            "a^b",
            "`",
            "http://a@b@c/",
            "http://[::1]x/",
        ] {
            assert!(!is_reference(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_nothing_outside_ascii_passes(text in "\\PC{0,40}") {
            prop_assert!(!is_reference(&text) || text.is_ascii());
        }
    }
}
