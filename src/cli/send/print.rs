//! What `usher send` says on stdout: for a person, or as JSON lines.
//! Knows nothing of how it came about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Part, Said, Verdict};
use super::deliver::Delivery;
use super::tally::{Tally, milliseconds};
use super::template::Message;
use super::text;
use crate::cli::terminal::{BOLD, DIM, GREEN, RED, Terminal, WIDTH, harmless, wrapped};

/// The verdict of what was not answered.
const UNANSWERED: &str = "unanswered";

/// What is going to be sent, in words.
pub(super) struct Plan {
    pub(super) url: String,
    pub(super) mode: &'static str,
    pub(super) proof: &'static str,
    pub(super) made_ids: Vec<String>,
    pub(super) made_source: Option<&'static str>,
    pub(super) copies: Option<u32>,
    pub(super) same_id: bool,
    pub(super) concurrency: u32,
    pub(super) waits: bool,
}

/// Writes to stdout.
pub(super) struct Printer {
    json: bool,
    terminal: Terminal,
    plan: Plan,
    tally: Tally,
    /// Of many answers that say the same, one is shown.
    shown: BTreeSet<String>,
}

impl Printer {
    /// JSON lines, or text in colour where a person looks at it and wants it.
    pub(super) fn new(json: bool, plan: Plan) -> Self {
        Self { json, terminal: Terminal::new(json), plan, tally: Tally::default(), shown: BTreeSet::new() }
    }

    /// What is going to happen.
    pub(super) fn begins(&self) {
        if self.json {
            return;
        }
        let Plan { url, mode, proof, made_ids, .. } = &self.plan;
        let title = self.terminal.paint(BOLD, "usher send");
        self.terminal.line(&format!("\n{title}  {mode}, {proof}, to {url}\n"));
        for id in made_ids {
            self.dim(&format!("the file names no id; made {id}"));
        }
        if let Some(source) = self.plan.made_source {
            self.dim(&format!("the file names no source, which a CloudEvent has; made {source}"));
        }
        if let Some(copies) = self.copies() {
            self.dim(&copies);
        }
    }

    /// What came of a message.
    pub(super) fn told(&mut self, message: &Message, delivery: &Delivery) {
        self.count(message, delivery);
        if self.json {
            return self.terminal.line(&self.line(message, delivery).to_string());
        }
        let took = format!("{} ms", milliseconds(delivery.latency));
        match &delivery.result {
            _ if self.plan.copies.is_some() && !self.is_new(delivery) => {}
            Ok(answer) => self.answered(answer, message, &took),
            // The end of the command says it on stderr.
            Err(_) if self.plan.copies.is_none() => {}
            Err(error) => {
                let aside = self.terminal.paint(DIM, &format!("{}  {took}", harmless(&message.name)));
                self.terminal.line(&format!("  {}  {aside}", self.terminal.paint(RED, "✗ no answer")));
                self.wrapped(&error.to_string());
            }
        }
    }

    /// What came of all of them.
    pub(super) fn ends(&self, took: Duration) {
        match (self.plan.copies, self.json) {
            (Some(_), true) => self.terminal.line(&json!({"summary": self.summary(took)}).to_string()),
            (Some(_), false) => self.summed_up(took),
            (None, _) => {}
        }
    }

    fn answered(&self, answer: &Answer, message: &Message, took: &str) {
        for line in text::of_answer(answer, message, took, self.terminal) {
            self.terminal.line(&line);
        }
        match answer.verdict() {
            Verdict::Unfinished if !self.plan.waits => self.dim("--wait shows what becomes of it"),
            Verdict::Unfinished => self.dim("not finished in the time of --wait; send it again to see how it stands"),
            Verdict::Refused if answer.status == 401 => {
                self.dim("a proof comes from --token-env, --token-file, --secret-env or --secret-file")
            }
            _ => {}
        }
    }

    /// Of copies only the first of each kind of trouble is shown.
    fn is_new(&mut self, delivery: &Delivery) -> bool {
        let kind = match &delivery.result {
            Err(error) => error.to_string(),
            Ok(answer) => match answer.verdict() {
                Verdict::Good => return false,
                Verdict::Unfinished if !self.plan.waits => return false,
                verdict => kind(answer, verdict),
            },
        };
        self.shown.insert(kind)
    }

    fn count(&mut self, message: &Message, delivery: &Delivery) {
        let answer = delivery.result.as_ref().ok();
        self.tally.count(answer.map(|answer| answer.status), delivery.latency);
        let events = message.events.len();
        let verdicts = answer.map_or_else(|| vec![UNANSWERED; events], |answer| names(&answer.verdicts(events)));
        verdicts.into_iter().for_each(|verdict| self.tally.count_event(verdict));
        self.tally.replayed += usize::from(answer.is_some_and(|answer| answer.replayed));
        self.tally.tried_again += delivery.tried_again as usize;
    }

    fn line(&self, message: &Message, delivery: &Delivery) -> Value {
        let mut line = json!({"sent": message.name, "milliseconds": milliseconds(delivery.latency), "tried_again": delivery.tried_again});
        let said = match &delivery.result {
            Ok(answer) => {
                json!({"verdict": answer.verdict().name(), "status": answer.status, "replayed": answer.replayed, "answer": answer.body})
            }
            Err(error) => {
                json!({"verdict": UNANSWERED, "status": null, "error": error.to_string(), "help": error.help()})
            }
        };
        if let (Some(line), Value::Object(said)) = (line.as_object_mut(), said) {
            line.extend(said);
            if !self.plan.made_ids.is_empty() {
                line.insert("made_ids".to_owned(), json!(self.plan.made_ids));
            }
            if let Some(source) = self.plan.made_source {
                line.insert("made_source".to_owned(), source.into());
            }
            if message.events.len() != 1 {
                line.insert("events".to_owned(), json!(message.events));
            }
        }
        line
    }

    fn summary(&self, took: Duration) -> Value {
        let statuses: serde_json::Map<_, _> =
            self.tally.statuses().map(|(status, count)| (status, count.into())).collect();
        json!({"sent": self.tally.sent(), "statuses": statuses, "events": self.tally.events(), "replayed": self.tally.replayed, "tried_again": self.tally.tried_again,
            "latency_ms": self.tally.latency(), "per_second": self.tally.rate(took), "milliseconds": milliseconds(took)})
    }

    fn summed_up(&self, took: Duration) {
        let Tally { replayed, tried_again, .. } = self.tally;
        let row = |name: &str, value: &str| {
            self.terminal.line(&format!("  {}  {value}", self.terminal.paint(DIM, &format!("{name:<9}"))));
        };
        for (status, count) in self.tally.statuses() {
            let colour = if status.starts_with('2') { GREEN } else { RED };
            row("status", &format!("{}  {count} times", self.terminal.paint(colour, &status)));
        }
        row("events", &self.events());
        row("repeats", &format!("{replayed} known already, {tried_again} tried again"));
        if let Some(latency) = self.tally.latency() {
            row("latency", &format!("p50 {} ms, p95 {} ms, max {} ms", latency.p50, latency.p95, latency.max));
        }
        row("rate", &format!("{} a second, {} ms in all", self.tally.rate(took), milliseconds(took)));
    }

    /// How many events of each kind there are; who does not wait takes what has no end yet for accepted.
    fn events(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (verdict, count) in self.tally.events() {
            let folded = *verdict == Verdict::Unfinished.name() && !self.plan.waits;
            *counts.entry(if folded { Verdict::Good.name() } else { verdict }).or_default() += count;
        }
        let shown = |(verdict, count): (&str, usize)| {
            let colour = if verdict == Verdict::Good.name() { GREEN } else { RED };
            self.terminal.paint(colour, &format!("{count} {verdict}"))
        };
        counts.into_iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    fn copies(&self) -> Option<String> {
        let Plan { copies: Some(copies), same_id, concurrency, .. } = &self.plan else { return None };
        let ids =
            if *same_id { "all with the same id".to_owned() } else { format!("their ids end in -1 to -{copies}") };
        Some(format!("{copies} copies, {concurrency} at a time; {ids}"))
    }

    fn wrapped(&self, text: &str) {
        for line in wrapped(text, WIDTH) {
            self.terminal.line(&format!("    {line}"));
        }
    }

    fn dim(&self, text: &str) {
        self.terminal.line(&format!("    {}", self.terminal.paint(DIM, text)));
    }
}

/// What answers to copies have in common: how they went, and why.
fn kind(answer: &Answer, verdict: Verdict) -> String {
    let why = |part: Part<'_>| match part.said {
        Said::Problem(problem) => format!("{} {}", part.status, problem["title"]),
        Said::Event(_) => part.verdict().name().to_owned(),
    };
    let whys: BTreeSet<_> = answer.parts().into_iter().map(why).collect();
    format!("{} {whys:?}", verdict.name())
}

fn names(verdicts: &[Verdict]) -> Vec<&'static str> {
    verdicts.iter().map(|verdict| verdict.name()).collect()
}
