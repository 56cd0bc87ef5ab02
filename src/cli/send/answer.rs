//! What the service answered, and whether that is what the sender wanted.
//! Knows nothing of connections and terminals.

use std::time::Duration;

use serde_json::Value;

/// An answer to one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) replayed: bool,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Value,
}

/// What was said of one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) status: u16,
    pub(super) replayed: bool,
    pub(super) said: Said<'a>,
}

/// An event as it stands, or why it is not taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said<'a> {
    Event(&'a Value),
    Problem(&'a Value),
}

/// How far it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Every event is accepted, and ended well as far as its end is known.
    Good,
    /// Accepted, and some change has no outcome yet.
    Unfinished,
    /// Accepted, and some change will never be made.
    Failed,
    /// Some event is not accepted.
    Refused,
}

impl Verdict {
    /// Its name for machines.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "accepted",
            Self::Unfinished => "pending",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

impl Answer {
    /// One part for each event.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        match self.body["results"].as_array() {
            Some(results) => results.iter().map(part_of_batch).collect(),
            None => vec![Part { status: self.status, replayed: self.replayed, said: said(self.status, &self.body) }],
        }
    }

    /// Whether it has a result for each event of a batch.
    pub(super) fn is_of_batch(&self) -> bool {
        self.body["results"].is_array()
    }

    /// Of each of so many events; where nothing was said of each, all are as good as the whole.
    pub(super) fn verdicts(&self, events: usize) -> Vec<Verdict> {
        let parts = self.parts();
        if parts.len() == events { parts.iter().map(Part::verdict).collect() } else { vec![self.verdict(); events] }
    }

    /// The worst of the parts.
    pub(super) fn verdict(&self) -> Verdict {
        let whole = if is_success(self.status) { Verdict::Good } else { Verdict::Refused };
        self.parts().iter().map(Part::verdict).max().unwrap_or(whole)
    }

    /// Takes over how things stand now; what was said of the first request stays.
    pub(super) fn becomes(&mut self, later: Self) {
        match (self.body["results"].as_array_mut(), later.body["results"].as_array()) {
            (Some(results), Some(now)) => {
                for (result, now) in results.iter_mut().zip(now).filter(|(_, now)| now["event"].is_object()) {
                    result["event"] = now["event"].clone();
                }
            }
            (None, None) if is_success(later.status) => self.body = later.body,
            _ => {}
        }
    }

    /// How long the service asks to wait before the same request comes again.
    pub(super) fn asks_to_wait(&self) -> Option<Duration> {
        self.retry_after.filter(|_| matches!(self.status, 429 | 503))
    }
}

impl Part<'_> {
    pub(super) fn verdict(&self) -> Verdict {
        match self.said {
            Said::Problem(_) => Verdict::Refused,
            Said::Event(event) => match event["status"].as_str() {
                Some("pending") => Verdict::Unfinished,
                Some("failed") => Verdict::Failed,
                _ => Verdict::Good,
            },
        }
    }
}

fn part_of_batch(result: &Value) -> Part<'_> {
    let status = result["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
    let body = if is_success(status) { &result["event"] } else { &result["problem"] };
    Part { status, replayed: result["replayed"] == true, said: said(status, body) }
}

fn said(status: u16, body: &Value) -> Said<'_> {
    if is_success(status) { Said::Event(body) } else { Said::Problem(body) }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, body, ..Answer::default() }
    }

    #[test]
    fn one_event_is_judged_by_its_status() {
        let cases = [
            (202, json!({"status": "pending"}), Verdict::Unfinished),
            (200, json!({"status": "done"}), Verdict::Good),
            (202, json!({"status": "ignored"}), Verdict::Good),
            (202, json!({"status": "failed"}), Verdict::Failed),
            (403, json!({"status": 403, "title": "no"}), Verdict::Refused),
            (301, Value::Null, Verdict::Refused),
        ];
        for (status, body, verdict) in cases {
            assert_eq!(answer(status, body.clone()).verdict(), verdict, "{status} {body}");
        }
    }

    #[test]
    fn a_batch_is_as_good_as_its_worst_event() {
        let accepted = json!({"status": 202, "replayed": true, "event": {"status": "done"}});
        let refused = json!({"status": 403, "problem": {"title": "no"}});
        let batch = answer(202, json!({"results": [accepted, refused]}));
        let parts = batch.parts();
        assert_eq!((parts.len(), parts[0].replayed, parts[1].status), (2, true, 403));
        assert_eq!(batch.verdict(), Verdict::Refused);
        assert_eq!(answer(202, json!({"results": [accepted]})).verdict(), Verdict::Good);
        assert_eq!(answer(202, json!({"results": []})).verdict(), Verdict::Good);
        assert_eq!(batch.verdicts(2), [Verdict::Good, Verdict::Refused]);
        assert_eq!(answer(401, json!({"title": "no"})).verdicts(3), [Verdict::Refused; 3]);
    }

    #[test]
    fn a_later_look_changes_what_became_of_the_event_and_nothing_else() {
        let mut one = answer(202, json!({"status": "pending"}));
        one.becomes(answer(429, json!({"title": "slow down"})));
        assert_eq!(one.verdict(), Verdict::Unfinished);
        one.becomes(Answer { replayed: true, ..answer(202, json!({"status": "done"})) });
        assert_eq!((one.verdict(), one.replayed), (Verdict::Good, false));
        let batch = |replayed, status| {
            answer(202, json!({"results": [{"status": 202, "replayed": replayed, "event": {"status": status}}]}))
        };
        let mut first = batch(false, "pending");
        first.becomes(batch(true, "done"));
        assert_eq!(first.body, batch(false, "done").body);
    }

    #[test]
    fn only_overload_asks_to_wait() {
        let waits = |status| Answer { status, retry_after: Some(Duration::from_secs(2)), ..Answer::default() };
        assert_eq!(
            [429, 503, 409, 202].map(|status| waits(status).asks_to_wait().is_some()),
            [true, true, false, false]
        );
    }
}
