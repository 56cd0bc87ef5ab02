//! One message until it is answered for good: waits as the service asks to, and for the end of the event.
//! Knows nothing of how an answer is shown.

use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;

use super::answer::{Answer, Verdict};
use super::client::Client;
use super::no_answer::NoAnswer;
use super::template::Message;

/// What the service lets anybody wait in one request.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Between two looks at an event whose end the service did not wait for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How patient the sender is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the end of the event.
    pub(super) wait: Option<Duration>,
    /// How often to try again when the service asks to come back later.
    pub(super) retries: u32,
}

/// What came of a message.
pub(super) struct Delivery {
    pub(super) result: Result<Answer, NoAnswer>,
    /// Of the last attempt, with its wait.
    pub(super) latency: Duration,
    pub(super) tried_again: u32,
}

/// Sends a message; `webhook_id` is its name for all attempts.
pub(super) async fn deliver(client: &Client, message: &Message, webhook_id: &str, patience: Patience) -> Delivery {
    let mut tried_again = 0;
    loop {
        let began = Instant::now();
        let result = client.post(message, webhook_id, patience.wait.map(|wait| wait.min(LONGEST_WAIT))).await;
        let pause = result.as_ref().ok().and_then(Answer::asks_to_wait);
        if let Some(pause) = pause.filter(|_| tried_again < patience.retries) {
            tried_again += 1;
            sleep(pause.min(LONGEST_PAUSE)).await;
            continue;
        }
        let result = match (result, patience.wait) {
            (Ok(answer), Some(wait)) => Ok(ended(client, message, webhook_id, answer, began + wait).await),
            (result, _) => result,
        };
        return Delivery { result, latency: began.elapsed(), tried_again };
    }
}

/// Sends the message again until its event has its end: a repeat changes nothing, and answers how things stand.
async fn ended(client: &Client, message: &Message, webhook_id: &str, first: Answer, deadline: Instant) -> Answer {
    let (mut answer, mut pause) = (first, LOOK_AGAIN);
    while answer.verdict() == Verdict::Unfinished && Instant::now() < deadline {
        sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
        let left = deadline.saturating_duration_since(Instant::now());
        // Whoever does not answer now may do so later.
        let Ok(later) = client.post(message, webhook_id, Some(left.min(LONGEST_WAIT))).await else { continue };
        pause = later.asks_to_wait().unwrap_or(pause);
        answer.becomes(later);
    }
    answer
}
