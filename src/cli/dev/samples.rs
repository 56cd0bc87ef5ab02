//! The three events of `usher dev`, what each promises, and what came of it.
//! Knows nothing of HTTP clients or terminals.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// An event to send.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    file: &'static str,
    pub(super) body: &'static str,
    promise: Promise,
}

#[derive(Clone, Copy)]
enum Promise {
    Granted,
    Repeated,
    Refused,
}

/// In the order in which they are sent: the second repeats the first.
pub(super) const SAMPLES: [Sample; 3] = [
    Sample {
        file: "1-plan-purchased.json",
        body: include_str!("../../../config/events/1-plan-purchased.json"),
        promise: Promise::Granted,
    },
    Sample {
        file: "2-same-again.json",
        body: include_str!("../../../config/events/2-same-again.json"),
        promise: Promise::Repeated,
    },
    Sample {
        file: "3-above-the-ceiling.json",
        body: include_str!("../../../config/events/3-above-the-ceiling.json"),
        promise: Promise::Refused,
    },
];

/// An answer of the service.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) replayed: bool,
    pub(super) body: Value,
}

/// What came of a sample.
#[derive(Serialize)]
pub(super) struct Told {
    /// Its file.
    pub(super) sample: &'static str,
    /// The HTTP status.
    pub(super) status: Option<u16>,
    /// The event's id.
    pub(super) event: Option<String>,
    /// One word.
    pub(super) outcome: String,
    /// One sentence.
    pub(super) detail: String,
    /// Whether it ended as the sample promises.
    pub(super) as_it_should: bool,
    /// From sending to the outcome.
    pub(super) milliseconds: u128,
}

impl Sample {
    /// What `answer` means for this sample.
    pub(super) fn told(self, answer: &Answer, time: Duration) -> Told {
        let (outcome, detail) = answer.in_words();
        let as_it_should = match self.promise {
            Promise::Granted => outcome == "granted",
            Promise::Repeated => outcome == "repeated",
            Promise::Refused => outcome == "refused" && answer.status == 403,
        };
        let event = answer.body["id"].as_str().map(str::to_owned);
        let milliseconds = time.as_millis();
        Told { sample: self.file, status: Some(answer.status), event, outcome, detail, as_it_should, milliseconds }
    }

    /// What to tell when no answer came.
    pub(super) fn untold(self, why: String, time: Duration) -> Told {
        let (outcome, milliseconds) = ("no answer".to_owned(), time.as_millis());
        Told { sample: self.file, status: None, event: None, outcome, detail: why, as_it_should: false, milliseconds }
    }
}

impl Answer {
    /// Whether the event still waits for an outcome.
    pub(super) fn is_pending(&self) -> bool {
        self.is_good() && self.body["status"] == "pending"
    }

    fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn in_words(&self) -> (String, String) {
        if !self.is_good() {
            return ("refused".to_owned(), self.text("detail").or_else(|| self.text("title")).unwrap_or_default());
        }
        if self.replayed {
            return ("repeated".to_owned(), "answered from the ledger; nothing was called again".to_owned());
        }
        let change = &self.body["changes"][0];
        match change["outcome"].as_str() {
            Some(outcome) => (outcome.to_owned(), change_in_words(change)),
            None => (self.text("status").unwrap_or_default(), "no outcome yet".to_owned()),
        }
    }

    fn text(&self, member: &str) -> Option<String> {
        self.body[member].as_str().map(str::to_owned)
    }
}

fn change_in_words(change: &Value) -> String {
    let word = |member: &str| change[member].as_str().unwrap_or("?").to_owned();
    let (user, organization) = (word("user"), word("organization"));
    match (change["outcome"].as_str(), change["role"].as_str(), change["reason"].as_str()) {
        (Some("granted" | "updated"), Some(role), _) => format!("{user} is now {role} of {organization}"),
        (Some("revoked"), ..) => format!("{user} is no longer a member of {organization}"),
        (_, _, Some(reason)) => format!("{user} in {organization}: {reason}"),
        _ => format!("{user} in {organization}"),
    }
}

/// The first sample for somebody else: what to send next.
pub(super) fn next_event() -> String {
    let mut event: Value = serde_json::from_str(SAMPLES[0].body).unwrap_or_default();
    event["id"] = json!("try-1");
    event["data"]["organization_id"] = json!("org_globex");
    event["data"]["user_id"] = json!("user_bob");
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sample: usize, status: u16, replayed: bool, body: Value) -> Told {
        SAMPLES[sample].told(&Answer { status, replayed, body }, Duration::from_millis(9))
    }

    fn representation(outcome: &str) -> Value {
        let change = json!({"user": "user_ada", "organization": "org_acme", "role": "org:member", "outcome": outcome});
        json!({"id": "0-1", "status": "done", "changes": [change]})
    }

    #[test]
    fn each_sample_knows_its_good_end() {
        let granted = told(0, 202, false, representation("granted"));
        assert_eq!((granted.as_it_should, granted.detail.as_str()), (true, "user_ada is now org:member of org_acme"));
        assert!(told(1, 202, true, representation("granted")).as_it_should);
        let refused = told(2, 403, false, json!({"detail": "billing may not give org:admin"}));
        assert_eq!((refused.as_it_should, refused.detail.as_str()), (true, "billing may not give org:admin"));
    }

    #[test]
    fn each_sample_knows_a_bad_end() {
        assert!(!told(0, 202, false, representation("dead")).as_it_should);
        assert!(!told(0, 202, false, json!({"status": "pending", "changes": [{"outcome": null}]})).as_it_should);
        assert!(!told(1, 202, false, representation("granted")).as_it_should);
        assert!(!told(2, 202, false, representation("granted")).as_it_should);
        assert!(!told(2, 401, false, json!({"title": "Not authenticated"})).as_it_should);
    }

    #[test]
    fn the_next_event_can_stand_between_single_quotes() {
        let next = next_event();
        assert!(next.contains("user_bob") && !next.contains('\''), "{next}");
    }
}
