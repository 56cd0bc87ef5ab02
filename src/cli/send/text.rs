//! An answer in words: lines for a person.
//! Knows nothing of stdout.

use std::iter::repeat;

use serde_json::Value;

use super::answer::{Answer, Part, Said};
use super::template::Message;
use crate::cli::terminal::{BOLD, DIM, GREEN, RED, Terminal, WIDTH, harmless, wrapped};

/// What was said of each event, by its name.
pub(super) fn of_answer(answer: &Answer, message: &Message, took: &str, terminal: Terminal) -> Vec<String> {
    // Whoever answers, no word of his reaches a terminal as it is.
    let answer = Answer { body: cleaned(&answer.body), ..answer.clone() };
    let parts = answer.parts();
    let aside = format!("{}  {took}", harmless(&message.name));
    if !answer.is_of_batch() || message.events.len() == 1 {
        return parts.iter().flat_map(|part| of_part(part, &aside, terminal)).collect();
    }
    let mut lines = vec![headline(terminal, BOLD, "•", &summed_up(&parts, message), took)];
    let names = message.events.iter().map(|name| harmless(name)).chain(repeat(String::new()));
    lines.extend(parts.iter().zip(names).flat_map(|(part, name)| of_part(part, &name, terminal)));
    lines
}

fn summed_up(parts: &[Part<'_>], message: &Message) -> String {
    let refused = parts.iter().filter(|part| matches!(part.said, Said::Problem(_))).count();
    if refused == 0 { message.name.clone() } else { format!("{}, {refused} refused", message.name) }
}

fn cleaned(value: &Value) -> Value {
    match value {
        Value::String(text) => harmless(text).into(),
        Value::Array(items) => items.iter().map(cleaned).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), cleaned(value))).collect(),
        other => other.clone(),
    }
}

fn of_part(part: &Part<'_>, aside: &str, terminal: Terminal) -> Vec<String> {
    match part.said {
        Said::Event(event) => {
            let verb = if part.replayed { "known already" } else { "accepted" };
            let mut lines = vec![headline(terminal, GREEN, "✓", &format!("{} {verb}", part.status), aside)];
            lines.extend(of_event(event, terminal));
            lines
        }
        Said::Problem(problem) => {
            let title = text(problem, "title").unwrap_or("not an answer of usher");
            let mut lines = vec![headline(terminal, RED, "✗", &format!("{} {title}", part.status), aside)];
            lines.extend(of_problem(problem, terminal));
            lines
        }
    }
}

fn headline(terminal: Terminal, colour: &str, mark: &str, words: &str, aside: &str) -> String {
    format!("  {}  {}", terminal.paint(colour, &format!("{mark} {words}")), terminal.paint(DIM, aside))
}

fn of_event(event: &Value, terminal: Terminal) -> Vec<String> {
    let (id, status) = (text(event, "id").unwrap_or("?"), text(event, "status").unwrap_or("?"));
    let mut lines = vec![format!("    event {} is {}", terminal.paint(DIM, id), terminal.paint(BOLD, status))];
    if status == "ignored" {
        lines.push(format!("    {}", terminal.paint(DIM, "no rule wants it")));
    }
    lines.extend(event["changes"].as_array().into_iter().flatten().flat_map(|change| of_change(change, terminal)));
    lines
}

fn of_change(change: &Value, terminal: Terminal) -> Vec<String> {
    let word = text(change, "outcome").or(text(change, "state")).unwrap_or("?");
    let colour = match word {
        "granted" | "updated" | "revoked" | "unchanged" | "invited" => GREEN,
        "dead" => RED,
        _ => DIM,
    };
    let rule = terminal.paint(DIM, &format!("by `{}`", text(change, "rule").unwrap_or("?")));
    let mut lines = vec![format!("    {}  {}  {rule}", terminal.paint(colour, &format!("{word:<10}")), deed(change))];
    lines.extend(indented(text(change, "reason").unwrap_or_default(), 16));
    lines
}

/// What a change is to do.
fn deed(change: &Value) -> String {
    let (user, organization) = (named(&change["user"]), named(&change["organization"]));
    match text(change, "role") {
        Some(role) => format!("{user} to be {role} of {organization}"),
        None => format!("{user} to leave {organization}"),
    }
}

/// An id, or what stands for one until it is known.
fn named(reference: &Value) -> &str {
    let other_name = || reference.as_object().and_then(|names| names.values().next()).and_then(Value::as_str);
    reference.as_str().or_else(other_name).unwrap_or("?")
}

fn of_problem(problem: &Value, terminal: Terminal) -> Vec<String> {
    let mut lines: Vec<_> = indented(text(problem, "detail").unwrap_or_default(), 4).collect();
    for mistake in problem["errors"].as_array().into_iter().flatten() {
        let pointer = terminal.paint(BOLD, text(mistake, "pointer").unwrap_or("?"));
        lines.push(format!("    {pointer}  {}", text(mistake, "detail").unwrap_or_default()));
    }
    let seen = text(problem, "instance").map(|path| format!("    to be seen at {}", terminal.paint(BOLD, path)));
    lines.extend(seen);
    lines
}

fn indented(text: &str, by: usize) -> impl Iterator<Item = String> {
    wrapped(text, WIDTH).into_iter().map(move |line| format!("{:by$}{line}", ""))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(status: u16, body: Value) -> String {
        lines_of(&["t e1"], status, body)
    }

    fn lines_of(events: &[&str], status: u16, body: Value) -> String {
        let answer = Answer { status, body, ..Answer::default() };
        let events: Vec<_> = events.iter().map(|&name| name.to_owned()).collect();
        let name = if let [name] = events.as_slice() { name.clone() } else { format!("{} events", events.len()) };
        let message = Message { name, events, headers: Vec::new(), body: Vec::new() };
        of_answer(&answer, &message, "3 ms", Terminal::new(true)).join("\n")
    }

    #[test]
    fn an_event_is_told_with_its_changes() {
        let change = |outcome: Value, role: Value, reason: Value| {
            json!({"rule": "r", "organization": "org_1", "user": {"email": "ada@example.com"}, "state": "waiting",
                "outcome": outcome, "role": role, "reason": reason})
        };
        let changes = [
            change(json!("granted"), json!("org:member"), Value::Null),
            change(json!("dead"), Value::Null, json!("no such user")),
            change(Value::Null, json!("org:member"), Value::Null),
        ];
        let event = json!({"id": "e1", "status": "failed", "changes": changes});
        insta::assert_snapshot!(lines(202, event), @r"
        ✓ 202 accepted  t e1  3 ms
          event e1 is failed
          granted     ada@example.com to be org:member of org_1  by `r`
          dead        ada@example.com to leave org_1  by `r`
                      no such user
          waiting     ada@example.com to be org:member of org_1  by `r`
        ");
    }

    #[test]
    fn a_problem_is_told_with_every_mistake() {
        let problem = json!({"title": "The body is not a valid event", "detail": "Mend what `errors` names.",
            "errors": [{"pointer": "#/type", "detail": "required, and missing"}]});
        insta::assert_snapshot!(lines(400, problem), @r"
        ✗ 400 The body is not a valid event  t e1  3 ms
          Mend what `errors` names.
          #/type  required, and missing
        ");
    }

    #[test]
    fn a_batch_is_told_event_by_event() {
        let results = json!([
            {"status": 202, "replayed": true, "event": {"id": "e1", "status": "ignored", "changes": []}},
            {"status": 403, "problem": {"title": "No", "detail": "Ask the operator."}},
        ]);
        insta::assert_snapshot!(lines_of(&["t e1", "t e2"], 202, json!({"results": results})), @r"
        • 2 events, 1 refused  3 ms
        ✓ 202 known already  t e1
          event e1 is ignored
          no rule wants it
        ✗ 403 No  t e2
          Ask the operator.
        ");
        assert_eq!(lines_of(&[], 202, json!({"results": []})), "  • 0 events  3 ms");
    }

    #[test]
    fn what_is_no_answer_of_usher_is_told_as_such() {
        assert_eq!(lines(502, Value::Null), "  ✗ 502 not an answer of usher  t e1  3 ms");
    }

    #[test]
    fn a_problem_that_has_a_place_of_its_own_is_told_with_it() {
        let problem = json!({"title": "A rule failed", "detail": "Kept.", "instance": "/v1/events/e-1"});
        insta::assert_snapshot!(lines(422, problem), @r"
        ✗ 422 A rule failed  t e1  3 ms
          Kept.
          to be seen at /v1/events/e-1
        ");
    }

    #[test]
    fn no_word_of_an_answer_is_obeyed_by_the_terminal() {
        let evil = "\u{1b}]0;evil\u{7}\u{9b}2J\r";
        let change = json!({"rule": evil, "user": {"email": evil}, "organization": evil, "role": evil, "outcome": evil, "reason": evil});
        let event = json!({"id": evil, "status": evil, "changes": [change]});
        let problem =
            json!({"title": evil, "detail": evil, "instance": evil, "errors": [{"pointer": evil, "detail": evil}]});
        for told in [lines(202, event), lines(400, problem.clone()), lines_of(&[evil], 400, problem)] {
            let obeyed: Vec<_> = told.chars().filter(|c| c.is_control() && *c != '\n').collect();
            assert!(obeyed.is_empty() && told.contains("evil"), "{obeyed:?}: {told:?}");
        }
    }
}
