//! The cases of the W3C test suite that a receiver can be asked, as tables, and what holds for any text.
//! Knows nothing of events.

use proptest::prelude::*;

use super::*;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn parent_of(line: &str) -> Option<String> {
    TraceContext::parse([line], []).map(|trace| trace.traceparent)
}

fn state_of(lines: &[&str]) -> Option<String> {
    TraceContext::parse([VALID], lines.iter().copied()).unwrap().tracestate
}

#[test]
fn a_valid_traceparent_is_kept() {
    for line in [VALID, " \t00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 "] {
        assert_eq!(parent_of(line).as_deref(), Some(VALID));
    }
    for flags in ["00", "02", "ff"] {
        let line = VALID.replace("-01", &format!("-{flags}"));
        assert_eq!(parent_of(&line), Some(line));
    }
}

#[test]
fn an_invalid_traceparent_is_no_trace() {
    let tail = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let bad = [
        String::new(),
        "00".to_owned(),
        format!("ff-{tail}"),
        format!("0-{tail}"),
        format!("000-{tail}"),
        format!(".0-{tail}"),
        format!("00-{tail}-"),
        format!("00-{tail}-extra"),
        format!("00-{tail}.x"),
        format!("00-{tail}0"),
        VALID[..54].to_owned(),
        VALID.to_uppercase(),
        VALID.replace("4bf9", "4BF9"),
        VALID.replace("00f067aa", "00F067AA"),
        VALID.replace("-01", "-0A"),
        VALID.replace("-01", "-0x"),
        VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
        VALID.replace("00f067aa0ba902b7", "0000000000000000"),
        VALID.replace('-', "_"),
        VALID.replace("4bf92f35", "4bf92-35"),
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01".to_owned(),
        "00-4bf92f3577b34da6a3ce929d0e0e47é-00f067aa0ba902b7-01".to_owned(),
    ];
    for line in &bad {
        assert_eq!(parent_of(line), None, "{line}");
    }
}

#[test]
fn of_a_later_version_what_is_known_is_taken_and_told_as_version_00() {
    let tail = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    for (line, flags) in [
        (format!("cc-{tail}-01"), Some("01")),
        (format!("cc-{tail}-01-what-the-future-will-be-like"), Some("01")),
        (format!("01-{tail}-fe-x"), Some("00")),
        (format!("cc-{tail}-01-"), Some("01")),
        (format!("cc-{tail}-01.what"), None),
        (format!("cc-{tail}-0"), None),
    ] {
        assert_eq!(parent_of(&line), flags.map(|flags| format!("00-{tail}-{flags}")), "{line}");
    }
}

#[test]
fn several_traceparents_are_none_and_then_no_tracestate_is_read() {
    assert_eq!(TraceContext::parse([VALID, VALID], ["a=1"]), None);
    assert_eq!(TraceContext::parse([], ["a=1"]), None);
    assert_eq!(TraceContext::parse(["bad"], ["a=1"]), None);
}

#[test]
fn tracestate_lines_are_joined_in_order_without_spaces_around() {
    assert_eq!(state_of(&["foo=1,bar=2"]).as_deref(), Some("foo=1,bar=2"));
    assert_eq!(state_of(&["foo=1 \t , \t bar=2", "", "baz=3"]).as_deref(), Some("foo=1,bar=2,baz=3"));
    assert_eq!(state_of(&["foo=1,", ",bar=2"]).as_deref(), Some("foo=1,bar=2"));
    assert_eq!(state_of(&["t@v=a b", "0t/_-*@v=!"]).as_deref(), Some("t@v=a b,0t/_-*@v=!"));
    assert_eq!(state_of(&["foo=1", "foo=2,bar=3"]).as_deref(), Some("foo=1,bar=3"));
    for none in [&[][..], &[""], &[" ", ","]] {
        assert_eq!(state_of(none), None);
    }
}

#[test]
fn a_bad_tracestate_spoils_nothing_but_itself() {
    for bad in [
        "foo",
        "foo=",
        "=foo",
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "foo@=1,bar=2",
        "@foo=1",
        "foo@@bar=1",
        "foo@bar@baz=1",
        "0foo=1",
        "foo@0bar=1",
        "foo=a=b",
        "foo=é",
        "foo=a\u{7f}",
        "foo=1;bar=2",
        "foo bar=1",
        "\u{3b1}=1",
    ] {
        assert_eq!(state_of(&[bad]), None, "{bad}");
        assert_eq!(state_of(&["good=1", bad]), None, "{bad}");
    }
}

#[test]
fn lengths_and_numbers_are_those_of_the_standard() {
    let entries = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    assert!(state_of(&[&entries(32)]).is_some());
    assert_eq!(state_of(&[&entries(33)]), None);
    let keys = [("t".repeat(256), true), ("t".repeat(257), false)];
    let tenants = [(241, 14, true), (242, 14, false), (241, 15, false)];
    let tenants = tenants.map(|(t, s, good)| (format!("{}@{}", "t".repeat(t), "v".repeat(s)), good));
    for (key, good) in keys.into_iter().chain(tenants) {
        assert_eq!(state_of(&[&format!("{key}=1")]).is_some(), good, "{}", key.len());
    }
    assert!(state_of(&[&format!("k={}", "v".repeat(256))]).is_some());
    assert_eq!(state_of(&[&format!("k={}", "v".repeat(257))]), None);
}

#[test]
fn a_long_tracestate_loses_its_long_entries_and_then_its_last_ones() {
    let long = format!("long={}", "x".repeat(200));
    let short: Vec<_> = (0..5).map(|n| format!("k{n}={}", "x".repeat(80))).collect();
    let sent = [&[long], &short[..]].concat().join(",");
    assert_eq!(state_of(&[&sent]), Some(short.join(",")));
    let short: Vec<_> = (0..8).map(|n| format!("k{n}={}", "x".repeat(80))).collect();
    assert_eq!(state_of(&[&short.join(",")]), Some(short[..6].join(",")));
}

proptest! {
    #[test]
    fn whatever_is_kept_is_valid_and_reads_back_as_itself(
        parent in prop_oneof![
            "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,4})?", "\\PC{0,60}", Just(VALID.to_owned()),
        ],
        states in prop::collection::vec("([a-c@0/ ]{0,3}=?[a-c =]{0,3},?){0,20}|\\PC{0,40}", 0..4),
    ) {
        if let Some(trace) = TraceContext::parse([parent.as_str()], states.iter().map(String::as_str)) {
            prop_assert_eq!(trace.traceparent.len(), PARENT);
            prop_assert!(trace.tracestate.as_ref().is_none_or(|state| (1..=MAX_STATE).contains(&state.len())));
            let again = TraceContext::parse([trace.traceparent.as_str()], trace.tracestate.as_deref());
            prop_assert_eq!(again, Some(trace));
        }
    }
}
