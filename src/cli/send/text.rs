//! An answer in words: lines for a person.
//! Knows nothing of stdout.

use serde_json::Value;

use super::answer::{Answer, Part, Said};
use crate::cli::terminal::{BOLD, DIM, GREEN, RED, Terminal, WIDTH, wrapped};

/// What was said of each event.
pub(super) fn of_answer(answer: &Answer, aside: &str, terminal: Terminal) -> Vec<String> {
    let parts = answer.parts();
    if parts.is_empty() {
        return vec![headline(terminal, GREEN, "✓", &format!("{} accepted", answer.status), aside)];
    }
    parts.iter().flat_map(|part| of_part(part, aside, terminal)).collect()
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
        let answer = Answer { status, body, ..Answer::default() };
        of_answer(&answer, "3 ms", Terminal::new(true)).join("\n")
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
        ✓ 202 accepted  3 ms
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
        ✗ 400 The body is not a valid event  3 ms
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
        insta::assert_snapshot!(lines(202, json!({"results": results})), @r"
        ✓ 202 known already  3 ms
          event e1 is ignored
          no rule wants it
        ✗ 403 No  3 ms
          Ask the operator.
        ");
        assert_eq!(lines(202, json!({"results": []})), "  ✓ 202 accepted  3 ms");
    }

    #[test]
    fn what_is_no_answer_of_usher_is_told_as_such() {
        assert_eq!(lines(502, Value::Null), "  ✗ 502 not an answer of usher  3 ms");
    }
}
