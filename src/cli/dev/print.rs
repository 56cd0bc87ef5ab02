//! What `usher dev` says on stdout: for a person, or as JSON lines.
//! Knows nothing of how it came about.

use serde_json::json;

use super::samples::{Told, next_event};
use super::stage::Scene;
use crate::cli::terminal::{BOLD, DIM, GREEN, RED, Terminal, WIDTH, wrapped};

/// Writes to stdout.
pub(super) struct Printer {
    json: bool,
    terminal: Terminal,
}

impl Printer {
    /// JSON lines, or text in colour where a person looks at it and wants it.
    pub(super) fn new(json: bool) -> Self {
        Self { json, terminal: Terminal::new(json) }
    }

    fn line(&self, text: &str) {
        self.terminal.line(text);
    }

    fn paint(&self, code: &str, text: &str) -> String {
        self.terminal.paint(code, text)
    }

    /// Where everything is.
    pub(super) fn addresses(&self, scene: &Scene) {
        let Scene { listen, admin, sandbox, token, rules, ledger } = scene;
        if self.json {
            return self
                .line(&json!({"listen": listen, "admin_listen": admin, "sandbox": format!("http://{sandbox}"), "token": token}).to_string());
        }
        let title = self.paint(BOLD, "usher dev");
        self.line(&format!(
            "\n{title}  events in, memberships out; all of it on this machine, with a sandbox as Clerk\n"
        ));
        let rows = [
            ("events", format!("http://{listen}/v1/events")),
            ("operators", format!("http://{admin}/readyz  /livez  /metrics")),
            ("sandbox", format!("http://{sandbox}/v1")),
            ("rules", rules.clone()),
            ("ledger", format!("{}  (goes when this ends)", ledger.display())),
        ];
        for (name, value) in rows {
            self.line(&format!("  {}  {value}", self.paint(DIM, &format!("{name:<9}"))));
        }
        self.line("");
    }

    /// What came of a sample.
    pub(super) fn told(&self, told: &Told) {
        if self.json {
            return self.line(&serde_json::to_string(told).unwrap_or_default());
        }
        let (mark, colour) = if told.as_it_should { ("✓", GREEN) } else { ("✗", RED) };
        let status = told.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let outcome = self.paint(colour, &format!("{mark} {:<9}", told.outcome));
        let aside = self.paint(DIM, &format!("{status}, {} ms", told.milliseconds));
        self.line(&format!("  {outcome}  {:<24}  {aside}", told.sample));
        for line in wrapped(&told.detail, WIDTH) {
            self.line(&format!("  {:11}  {line}", ""));
        }
    }

    /// What to try now.
    pub(super) fn next(&self, scene: &Scene) {
        if self.json {
            return;
        }
        let Scene { listen, sandbox, token, .. } = scene;
        self.line(&format!("\n{}\n", self.paint(BOLD, "Send the next one:")));
        self.line(&format!("  curl -i http://{listen}/v1/events \\"));
        self.line(&format!("    -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\"));
        self.line(&format!("    -d '{}'\n", next_event()));
        self.line(&format!("{}\n", self.paint(BOLD, "See what the sandbox was asked:")));
        self.line(&format!("  curl http://{sandbox}/sandbox/calls"));
        self.line(&format!("\n{}", self.paint(DIM, "Ctrl-C ends it.")));
    }
}
